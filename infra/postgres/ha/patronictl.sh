#!/bin/bash
# docker compose exec postgres-1 /scripts/patronictl.sh list: patronictl, with the password of Patroni's REST API. Without it whatever changes a node
# (reinit, switchover, failover) is refused with 401.
set -euo pipefail
. /scripts/environment.sh
exec patronictl -c /scripts/patroni.yml "$@"
