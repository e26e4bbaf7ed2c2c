#!/bin/bash
# Starts a standby: it copies the primary at its first start, and follows it. To let it take over when
# the primary is dead, run `pg_ctl promote` in it as postgres, and let pgbouncer connect to it.
set -euo pipefail
if [[ ! -e $PGDATA/PG_VERSION ]]; then
    until pg_isready --quiet --host="$PRIMARY_HOST"; do sleep 1; done
    # Whole or not at all: what is left of a copy that was interrupted goes first.
    find "$PGDATA" -mindepth 1 -delete
    making=$PGDATA/making
    PGPASSWORD=$REPLICATION_PASSWORD pg_basebackup --host="$PRIMARY_HOST" --username=standby \
        --pgdata="$making" --write-recovery-conf --checkpoint=fast
    find "$making" -mindepth 1 -maxdepth 1 ! -name PG_VERSION -exec mv -t "$PGDATA" {} +
    mv "$making/PG_VERSION" "$PGDATA"
    rmdir "$making"
fi
chown -R postgres "$PGDATA"
chmod 700 "$PGDATA"
exec gosu postgres postgres -c max_connections=100 -c wal_keep_size=1GB
