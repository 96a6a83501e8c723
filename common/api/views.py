"""The API's own description, open to all: as a file and as pages."""

import threading
from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework import negotiation, renderers

from common.api import openapi

# The package's classes are filled in by the first who needs them, half of it seen by others.
_describing = threading.Lock()


class OneDescription(SchemaGenerator):
    """Describes the routes once in a process, in which they stay as they are.

    But for the server, which is named as each caller names it.
    """

    _made: ClassVar[dict[str, Any]] = {}

    def get_schema(self, request: Any = None, public: bool = False) -> Any:
        routes = settings.ROOT_URLCONF
        with _describing:
            if routes not in self._made:
                self._made[routes] = super().get_schema(request, public)  # type: ignore[no-untyped-call]
        return {**self._made[routes], "servers": openapi.servers(request)}


class SchemaView(SpectacularAPIView):
    """The OpenAPI 3.1 description of this API, as YAML, or as JSON with `?format=json`."""

    content_negotiation_class = negotiation.DefaultContentNegotiation
    authentication_classes: list[Any] = []
    generator_class = OneDescription

    def _get_version_parameter(self, request: HttpRequest) -> None:
        """None: there is one version, and an address does not say how the file is called."""


class DocumentationView(SpectacularSwaggerSplitView):
    """The API's pages (Swagger UI), served without any other host and without inline scripts."""

    url_name = "schema"
    content_negotiation_class = negotiation.DefaultContentNegotiation
    authentication_classes: list[Any] = []
    renderer_classes = [renderers.TemplateHTMLRenderer]

    def _get_schema_url(self, request: HttpRequest) -> str:
        return reverse(self.url_name)

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """The header `Allow` alone; there is no page of it."""
        return HttpResponse()
