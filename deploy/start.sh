#!/bin/sh
# What the web container runs: the database first, then its tables, then the server.
# Migrations run once, however many containers start at the same time.
set -eu

# A shell heeds a signal only when the program it waits for has ended, unless that one runs in the
# background; and as a container's first process it would heed none without a trap.
trap 'kill -TERM ${!:-} 2>/dev/null || true; wait; exit 143' TERM INT
step() {
    "$@" &
    wait "$!"
}
step python manage.py wait_for_database --timeout 60
step python manage.py migrate --no-input
exec gunicorn --config config/gunicorn.py --bind "${BIND:-0.0.0.0:${PORT:-8000}}" config.wsgi
