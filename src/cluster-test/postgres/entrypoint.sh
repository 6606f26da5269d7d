#!/bin/sh
# As the official image does: creates, in UTF-8, the database on the first start, runs /docker-entrypoint-initdb.d, then serves.
set -eu
PATH=$(echo /usr/lib/postgresql/*/bin):$PATH
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  mkdir -p -m 0700 "$PGDATA"
  printf '%s' "$POSTGRES_PASSWORD" > /tmp/password
  initdb --username=postgres --encoding=UTF8 --locale=C.UTF-8 --pwfile=/tmp/password --auth=trust > /tmp/initdb.log
  rm /tmp/password
  pg_ctl --wait --silent --log=/tmp/start.log --options="-c listen_addresses=''" start
  createdb --username=postgres "$POSTGRES_DB"
  for script in /docker-entrypoint-initdb.d/*.sql; do
    [ -f "$script" ] && psql --username=postgres --dbname="$POSTGRES_DB" --quiet --set=ON_ERROR_STOP=1 --file="$script"
  done
  pg_ctl --wait --silent --mode=fast stop
fi
exec postgres "$@"
