#!/bin/bash
# Base backups of whichever node is the primary.
#   backup.sh          one now, then a list of all
#   backup.sh daily    one whenever the newest is BACKUP_EVERY seconds old, for ever
#   backup.sh healthy  fails when the newest is more than two hours late
#   backup.sh COMMAND  runs it where pgBackRest finds all that it needs
set -euo pipefail
PGPASSWORD=$(cat /run/secrets/SUPERUSER_PASSWORD)
PGBACKREST_REPO1_CIPHER_PASS=$(cat /run/secrets/BACKUP_PASSPHRASE)
export PGPASSWORD PGBACKREST_REPO1_CIPHER_PASS PGUSER=postgres PGDATABASE=postgres PGCONNECT_TIMEOUT=3
# One backup at a time, whichever container makes it.
export PGBACKREST_LOCK_PATH=/backups/lock
every=${BACKUP_EVERY:-86400}

# Its files are where it says they are: pgBackRest compares. Its connection is by the network.
follow_primary() {
  local volume node
  for volume in /nodes/*; do
    node=${volume##*/}
    [ "$(PGHOST=$node psql -XqAtc 'SELECT NOT pg_is_in_recovery()' 2>/dev/null)" = t ] || continue
    ln -sfn "$volume/postgres" "$PGDATA" || return
    export PGHOST=$node
    return
  done
  echo 'there is no primary' >&2
  return 1
}

# What is there already stays. Archiving begins with it, so it does not wait for the first backup's turn.
prepare() { follow_primary && pgbackrest stanza-create; }
backup() { prepare && pgbackrest --type=full backup; }

# Seconds since the newest backup ended.
age() {
  local newest
  newest=$(pgbackrest info --output=json | grep -o '"stop":[0-9]*' | tail -1 | cut -d: -f2)
  echo $(($(date +%s) - ${newest:-0}))
}

case ${1:-now} in
  now)
    backup
    pgbackrest info
    ;;
  healthy) [ "$(age)" -lt $((every + 7200)) ] ;;
  daily)
    until prepare; do sleep 1; done
    while true; do
      if [ "$(age)" -ge "$every" ]; then
        if backup; then echo 'backed up'; else echo 'no backup: tried again in a minute' >&2; fi
      fi
      sleep 60
    done
    ;;
  *) exec "$@" ;;
esac
