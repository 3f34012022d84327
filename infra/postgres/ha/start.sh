#!/bin/bash
# Patroni, which runs Postgres.
set -euo pipefail
. /scripts/environment.sh
# Postgres hands it to pgBackRest.
export PGBACKREST_REPO1_CIPHER_PASS; PGBACKREST_REPO1_CIPHER_PASS=$(secret BACKUP_PASSPHRASE)
exec patroni /scripts/patroni.yml
