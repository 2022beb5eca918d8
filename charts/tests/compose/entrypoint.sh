#!/bin/sh
# What the official PostgreSQL image does with its variables when its volume is new. The official Redis is built to answer
# others than its own machine without a password. Any other command is run as it is.
set -eu
[ "$1" != redis-server ] || exec "$@" --protected-mode no
[ "$1" = postgres ] || exec "$@"
PGDATA=/var/lib/postgresql/data
as_owner() { setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; }
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    mkdir -p "$PGDATA"
    chown postgres:postgres "$PGDATA"
    printf '%s\n' "$POSTGRES_PASSWORD" >/tmp/password
    chown postgres /tmp/password
    as_owner initdb --pgdata="$PGDATA" --username="$POSTGRES_USER" --pwfile=/tmp/password \
        --auth-local=trust --auth-host=scram-sha-256
    rm /tmp/password
    echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
    as_owner pg_ctl --pgdata="$PGDATA" --options="-c listen_addresses='' -k /tmp" --wait start
    as_owner createdb --host=/tmp --username="$POSTGRES_USER" "$POSTGRES_USER"
    as_owner pg_ctl --pgdata="$PGDATA" --wait stop
fi
exec setpriv --reuid=postgres --regid=postgres --clear-groups postgres -D "$PGDATA" -k /tmp -c "listen_addresses=*"
