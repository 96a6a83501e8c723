"""The web application for ASGI servers, such as uvicorn: for async views of your own."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django_application = get_asgi_application()

from billing.asgi import Settled  # noqa: E402  (needs the applications loaded)
from common.api.body_limit import BoundedBody  # noqa: E402
from operations import start  # noqa: E402

application = Settled(BoundedBody(django_application))
start.refuse_errors()
start.log_choices()
start.serve()
