"""Path parameters of the API."""

from django.urls import register_converter
from django.urls.converters import UUIDConverter


class UidConverter(UUIDConverter):
    """An id in the path, in upper case too, as some platforms write UUIDs."""

    regex = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


register_converter(UidConverter, "uid")
