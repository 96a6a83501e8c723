"""The API's own description, open to all: as a file and as pages."""

from typing import Any

from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework import negotiation, renderers


class SchemaView(SpectacularAPIView):
    """The OpenAPI 3.1 description of this API, as YAML, or as JSON with `?format=json`."""

    content_negotiation_class = negotiation.DefaultContentNegotiation
    authentication_classes: list[Any] = []


class DocumentationView(SpectacularSwaggerSplitView):
    """The API's pages (Swagger UI), served without any other host and without inline scripts."""

    url_name = "schema"
    content_negotiation_class = negotiation.DefaultContentNegotiation
    authentication_classes: list[Any] = []
    renderer_classes = [renderers.TemplateHTMLRenderer]
