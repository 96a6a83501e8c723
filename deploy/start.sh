#!/bin/sh
# What the web container runs: the database first, then its tables, then the server.
# Migrations run once, however many containers start at the same time.
set -eu
python manage.py wait_for_database --timeout 60
python manage.py migrate --no-input
exec gunicorn --config config/gunicorn.py --bind "${BIND:-0.0.0.0:${PORT:-8000}}" config.wsgi
