# To be sourced. sums PSQL…: a line for every table of every service: database, table, rows, and a sum over all that they hold.
each_table=$(cat <<'SQL'
SELECT format('SELECT %L, %L, count(*), coalesce(sum(hashtextextended(whole::text, 0)), 0) FROM %I.%I whole',
              current_database(), nspname || '.' || relname, nspname, relname)
  FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
  WHERE relkind = 'r' AND relpersistence = 'p' AND nspname NOT IN ('pg_catalog', 'information_schema')
  ORDER BY nspname, relname \gexec
SQL
)
list="SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres' ORDER BY datname"

sums() {
  local database
  for database in $("$@" -XqAt -c "$list" postgres); do
    PGTZ=UTC "$@" -XqAt -v ON_ERROR_STOP=1 "$database" <<<"$each_table"
  done
}

# The same of a replica, all databases at one point of its log, which is left in $point. Its replay rests only until each has its snapshot, from which
# is then read at leisure: Patroni has it go on at its next turn anyway, and one that did too early is seen and taken again.
sums_at_a_point() {
  local replica=$1 still=no databases database taken
  shift
  databases=$("$@" -h "$replica" -XqAt -c "$list" postgres)
  for _ in 1 2 3 4 5; do
    taken=$(mktemp -d)
    "$@" -h "$replica" -XqAt -c 'SELECT pg_wal_replay_pause()' >/dev/null
    until [ "$("$@" -h "$replica" -XqAt -c 'SELECT pg_get_wal_replay_pause_state()')" != 'pause requested' ]; do sleep 0.05; done
    point=$("$@" -h "$replica" -XqAt -c 'SELECT pg_last_wal_replay_lsn()')
    for database in $databases; do
      PGTZ=UTC "$@" -h "$replica" -XqAt -v ON_ERROR_STOP=1 "$database" >"$taken/$database.sums" <<SQL &
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT txid_current_snapshot() \g $taken/$database
\! until [ -e $taken/.all ]; do sleep 0.05; done
$each_table
SQL
    done
    for database in $databases; do until [ -s "$taken/$database" ]; do sleep 0.05; done; done
    if [ "$("$@" -h "$replica" -XqAt -c 'SELECT pg_last_wal_replay_lsn()')" = "$point" ]; then still=yes; fi
    "$@" -h "$replica" -XqAt -c 'SELECT pg_wal_replay_resume()' >/dev/null
    touch "$taken/.all"
    wait
    [ "$still" = no ] || { for database in $databases; do cat "$taken/$database.sums"; done; return; }
  done
  echo 'the replica did not stand still' >&2
  return 1
}
