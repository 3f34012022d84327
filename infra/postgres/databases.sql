-- Made from apps/*/service.ts by `npm run sync`: change those.

\ir monitoring.sql

\set service 'auth'
\ir service-database.sql

\set service 'cart'
\ir service-database.sql

\set service 'inventory'
\ir service-database.sql

\set service 'order'
\ir service-database.sql

\set service 'payment'
\ir service-database.sql

\set service 'psp'
\ir service-database.sql
