#!/bin/sh
# Run by PostgreSQL's image on the first start alone: a role of its own for Steward, which is no
# superuser, and its database, in which nobody makes temporary tables. The password is read by psql,
# so that it is on no command line.
set -eu
psql --set=ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<'SQL'
\set password `cat /run/secrets/database_password`
CREATE ROLE steward LOGIN PASSWORD :'password';
CREATE DATABASE steward OWNER steward ENCODING 'UTF8' TEMPLATE template0;
REVOKE CONNECT ON DATABASE steward FROM PUBLIC;
REVOKE TEMPORARY ON DATABASE steward FROM PUBLIC, steward;
SQL
