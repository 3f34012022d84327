-- The role of the exporter: it may read every statistic, and no service's data. May run again.
\set ON_ERROR_STOP on
\c postgres
SET log_min_error_statement = panic;
\set password `cat /secrets/monitoring/MONITOR_PASSWORD`
SELECT 'CREATE ROLE monitor LOGIN CONNECTION LIMIT 5' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'monitor') \gexec
ALTER ROLE monitor PASSWORD :'password';
GRANT pg_monitor TO monitor;
