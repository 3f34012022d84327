#!/bin/bash
# A streaming replica of the primary, copied from it on the first start. Asynchronous: `ha` is the profile that loses nothing.
set -euo pipefail
if [ ! -d "$PGDATA" ]; then
  PGPASSWORD=$(cat /run/secrets/REPLICATION_PASSWORD); export PGPASSWORD
  until rm -rf "$PGDATA.new" && pg_basebackup -h postgres -U replicator -D "$PGDATA.new" -X stream -R --slot=replica --checkpoint=fast; do sleep 1; done
  mv "$PGDATA.new" "$PGDATA"
fi
exec postgres -D "$PGDATA" -c config_file=/scripts/postgresql.conf -c hba_file=/scripts/pg_hba.conf
