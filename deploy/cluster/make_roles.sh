#!/bin/bash
# Runs once, when the primary makes its cluster: Playhead's two roles, its database, and the role that
# standbys follow with.
set -euo pipefail
psql --set=ON_ERROR_STOP=1 --username=postgres --dbname=postgres \
    --set=owner="$OWNER_PASSWORD" --set=app="$APP_PASSWORD" --set=replication="$REPLICATION_PASSWORD" <<'SQL'
create role playhead_owner login password :'owner';
create role playhead login password :'app';
create role standby login replication password :'replication';
create database playhead owner playhead_owner;
\connect playhead
revoke create on schema public from public;
SQL
echo 'host replication standby all scram-sha-256' >>"$PGDATA/pg_hba.conf"
