from django.urls import path, register_converter
from django.urls.converters import StringConverter

from querycache.api.views import CacheViewSet, EntryViewSet, NamespaceViewSet


class KeyConverter(StringConverter):
    """A key in the path: 64 lower-case hexadecimal digits. Anything else is no address: 404."""

    regex = "[0-9a-f]{64}"


register_converter(KeyConverter, "cache_key")

urlpatterns = [
    path("cache/lookup", CacheViewSet.as_view({"post": "lookup"}), name="cache-lookup"),
    path("cache/key", NamespaceViewSet.as_view({"post": "key"}), name="cache-key"),
    path(
        "cache/invalidate",
        NamespaceViewSet.as_view({"post": "invalidate"}),
        name="cache-invalidate",
    ),
    path("cache/stats", NamespaceViewSet.as_view({"get": "stats"}), name="cache-stats"),
    path(
        "cache/entries/<cache_key:key>",
        EntryViewSet.as_view({"get": "retrieve", "put": "update", "delete": "destroy"}),
        name="cache-entry",
    ),
]
