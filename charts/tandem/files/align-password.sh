# Give the database that is on the volume the password that is in the Secret. A fresh volume has none yet: nothing to do.
set -eu
[ -s "$PGDATA/PG_VERSION" ] || exit 0
chmod 700 "$PGDATA" # the kubelet opens it to the group when it mounts the volume; PostgreSQL refuses that
quoted=$(printf %s "$POSTGRES_PASSWORD" | sed "s/'/''/g")
postgres --single -D "$PGDATA" postgres >/dev/null <<SQL
ALTER ROLE tandem PASSWORD '$quoted'
SQL
