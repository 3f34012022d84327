#!/bin/bash
# Databases and roles for every service, on whichever server is the primary: `database` is a name all of them answer to.
set -euo pipefail
PGPASSWORD=$(cat /secrets/postgres/SUPERUSER_PASSWORD)
export PGPASSWORD PGHOST=database PGUSER=postgres PGDATABASE=postgres PGTARGETSESSIONATTRS=read-write PGCONNECT_TIMEOUT=3
# Its address rather than the name from then on: a script that changes databases connects anew, and would meet a replica.
until primary=$(psql -XqAtc 'SELECT host(inet_server_addr())' 2>/dev/null); do sleep 0.5; done
PGHOST=$primary exec psql -qX -f /scripts/databases.sql
