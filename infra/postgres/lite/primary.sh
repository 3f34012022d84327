#!/bin/bash
# The primary: made on the first start, whole or not at all.
set -euo pipefail
if [ ! -d "$PGDATA" ]; then
  rm -rf "$PGDATA.new"
  initdb -D "$PGDATA.new" --username=postgres --pwfile=/run/secrets/SUPERUSER_PASSWORD --auth-local=peer --auth-host=scram-sha-256 \
    --data-checksums --encoding=UTF8 --locale=C.UTF-8 --no-instructions
  # One statement a line: that is how the single-user mode reads.
  postgres --single -D "$PGDATA.new" postgres >/dev/null <<SQL
CREATE ROLE replicator REPLICATION LOGIN PASSWORD '$(cat /run/secrets/REPLICATION_PASSWORD)'
SELECT pg_create_physical_replication_slot('replica')
SQL
  mv "$PGDATA.new" "$PGDATA"
fi
exec postgres -D "$PGDATA" -c config_file=/scripts/postgresql.conf -c hba_file=/scripts/pg_hba.conf
