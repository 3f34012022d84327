# To be sourced. recover ARGUMENTS…: restores a backup into $PGDATA and runs Postgres, reached by nobody else, until it is at the point that
# pgBackRest's arguments name. Fails when the archive does not reach so far.
PGBACKREST_REPO1_CIPHER_PASS=$(cat /run/secrets/BACKUP_PASSPHRASE)
export PGBACKREST_REPO1_CIPHER_PASS

recover() {
  local log=/tmp/recovery.log delta=()
  # Files that are the same already stay.
  [ ! -e "$PGDATA/PG_VERSION" ] || delta=(--delta)
  mkdir -p -m 700 "$PGDATA"
  pgbackrest "${delta[@]}" "$@" restore
  # Patroni's settings came with the backup; alone it has no standby to wait for. The one of a cluster that was just made is even wrong, and Postgres
  # does not start with it: Patroni 4.0 writes "ANY None (*)" until a replica is there.
  sed -i '/^synchronous_standby_names = /d' "$PGDATA/postgresql.conf"
  postgres -D "$PGDATA" -c listen_addresses= -c unix_socket_directories=/tmp -c synchronous_standby_names= >"$log" 2>&1 &
  postgres=$!
  until [ "$(psql -XqAt -h /tmp -U postgres -c 'SELECT NOT pg_is_in_recovery()' postgres 2>/dev/null)" = t ]; do
    if ! kill -0 "$postgres" 2>/dev/null; then
      tail -20 "$log" >&2
      echo 'it was not recovered' >&2
      return 1
    fi
    sleep 0.5
  done
  grep -E 'recovery stopping|last completed transaction|selected new timeline' "$log" || true
}
