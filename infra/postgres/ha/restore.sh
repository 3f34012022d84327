#!/bin/bash
# Restores the first node, while all three are stopped: restore.sh --type=time '--target=2026-11-22 14:03:00+00' --target-action=promote
# What is done before and after it is in docs/guides/backups.md.
set -euo pipefail
. /scripts/recover.sh
recover "$@"
pg_ctl stop -D "$PGDATA" -m fast -s
echo 'restored'
