#!/bin/sh
# Write the passwords and the address of Postgres where pgbouncer reads them, and start it.
set -eu
umask 077
{
    printf '"playhead" "%s"\n' "$APP_PASSWORD"
    printf '"playhead_owner" "%s"\n' "$OWNER_PASSWORD"
} >/run/pgbouncer/userlist.txt
sed -e "s/host=127\.0\.0\.1 /host=$POSTGRES_HOST /" \
    -e 's|/etc/pgbouncer/userlist.txt|/run/pgbouncer/userlist.txt|' \
    /etc/pgbouncer/cluster.ini >/run/pgbouncer/pgbouncer.ini
echo 'unix_socket_dir = /run/pgbouncer' >>/run/pgbouncer/pgbouncer.ini
exec pgbouncer /run/pgbouncer/pgbouncer.ini
