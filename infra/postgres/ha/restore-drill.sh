#!/bin/bash
# Can it be restored? Notes what every table holds at one point of the log, lets the cluster write on, restores that point into this container
# alone, and compares. Nothing of the cluster is changed: one replica stands still while its tables are read.
set -euo pipefail
. /scripts/recover.sh
. /scripts/sums.sh
PGPASSWORD=$(cat /run/secrets/SUPERUSER_PASSWORD)
export PGPASSWORD PGUSER=postgres PGDATABASE=postgres PGCONNECT_TIMEOUT=3
nodes='postgres-1 postgres-2 postgres-3'
patience=${ARCHIVE_PATIENCE:-150}
ask() { psql -XqAt -h "$1" -c "$2"; }
fail() { echo "✖ $*" >&2; exit 1; }

primary='' replica=''
for node in $nodes; do
  case $(ask "$node" 'SELECT pg_is_in_recovery()' 2>/dev/null || true) in
    f) primary=$node ;;
    t) replica=$node ;;
  esac
done
[ -n "$primary" ] && [ -n "$replica" ] || fail 'this needs a primary and a replica'

sums_at_a_point "$replica" psql >/tmp/then
echo "✔ noted $(wc -l </tmp/then) tables at $point of the log"

segment=$(ask "$primary" "SELECT pg_walfile_name('$point')")
archived() { pgbackrest info --output=json | grep -oE '"max":"[0-9A-F]{24}"' | cut -d'"' -f4 | sort | tail -1; }
began=$SECONDS
until newest=$(archived) && [[ -n $newest && ! $newest < $segment ]]; do
  [ $((SECONDS - began)) -lt "$patience" ] || fail "after $patience s the archive has ${newest:-nothing}, not $segment: $(ask "$primary" \
    "SELECT format('last archived at %s, failed %s times, last at %s', last_archived_time, failed_count, last_failed_time) FROM pg_stat_archiver")"
  sleep 1
done
echo "✔ archived after $((SECONDS - began)) s"

sums psql -h "$primary" >/tmp/later
written=$(comm -13 <(sort /tmp/then) <(sort /tmp/later) | wc -l)
[ "$written" -gt 0 ] || fail 'nothing was written after the point, so it would be shown by nothing'
echo "✔ the cluster wrote on: $written tables are different by now"

began=$SECONDS
recover --type=lsn --target="$point" --target-exclusive --target-action=promote --archive-mode=off
echo "✔ restored in $((SECONDS - began)) s"
sums psql -h /tmp >/tmp/restored
pg_ctl stop -D "$PGDATA" -m immediate -s
if ! difference=$(diff /tmp/then /tmp/restored); then
  echo "$difference" >&2
  fail 'what was restored is not what was there (<), but something else (>)'
fi
awk -F'|' '{ tables[$1]++; rows[$1] += $3 } END { for (d in tables) printf "  %-12s %3d tables %8d rows\n", d, tables[d], rows[d] }' /tmp/restored | sort
echo "✔ every table holds what it held at $point"
