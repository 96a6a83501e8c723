"""The web application, for gunicorn and any other WSGI server."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()

from operations import start  # noqa: E402  (needs the applications loaded)

start.refuse_errors()
start.log_choices()
start.serve()
