#!/bin/bash
# Whom it asks, Prometheus says (/probe?target=…&auth_module=monitor); its password comes from a file.
set -euo pipefail
umask 077
cat >/tmp/exporter.yml <<YML
auth_modules:
  monitor:
    type: userpass
    userpass: { username: monitor, password: '$(cat /run/secrets/MONITOR_PASSWORD)' }
    options: { sslmode: disable, connect_timeout: '2' }
YML
exec prometheus-postgres-exporter --config.file=/tmp/exporter.yml --log.level=warn
