# To be sourced. What Patroni and patronictl are told beside patroni.yml: names and addresses by the container, passwords from files. `docker compose exec`
# hands none of it on: it was exported to the first process alone.
node=$(hostname)
secret() { cat "/run/secrets/$1"; }
export PATRONI_NAME=$node
export PATRONI_RESTAPI_LISTEN=0.0.0.0:8008 PATRONI_RESTAPI_CONNECT_ADDRESS=$node:8008
export PATRONI_RESTAPI_USERNAME=patroni PATRONI_RESTAPI_PASSWORD; PATRONI_RESTAPI_PASSWORD=$(secret PATRONI_PASSWORD)
export PATRONI_POSTGRESQL_LISTEN=0.0.0.0:5432 PATRONI_POSTGRESQL_CONNECT_ADDRESS=$node:5432
export PATRONI_SUPERUSER_USERNAME=postgres PATRONI_SUPERUSER_PASSWORD; PATRONI_SUPERUSER_PASSWORD=$(secret SUPERUSER_PASSWORD)
export PATRONI_REPLICATION_USERNAME=replicator PATRONI_REPLICATION_PASSWORD; PATRONI_REPLICATION_PASSWORD=$(secret REPLICATION_PASSWORD)
