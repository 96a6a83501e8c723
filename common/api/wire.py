"""What goes over the wire: JSON in and out, and `uid` in paths."""

from collections.abc import Mapping
from typing import Any

import orjson
from django.http import HttpResponse
from django.urls import register_converter
from django.urls.converters import UUIDConverter
from rest_framework import exceptions, metadata, negotiation, parsers, renderers

from common import errors, json_values

# Items of lists and members of objects of one body, however deep.
MOST_VALUES = 100_000
# Digits made equal are found by their number in a fifteenth of the time of an expression.
DIGITS_AS_ZEROS = bytes.maketrans(b"123456789", b"000000000")
LONG_NUMBER = b"0" * 19


class OrjsonRenderer(renderers.BaseRenderer):
    """JSON by orjson. A type it does not know is an error, never a silent null."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None
    ) -> bytes:
        return b"" if data is None else orjson.dumps(data, option=orjson.OPT_UTC_Z)


class Response(HttpResponse):
    """The answer of a view in JSON, made at once; Content-Type and body are missing without data.

    REST framework's own is made of a template's parts, later, in four times the time.
    """

    def __init__(
        self, data: Any = None, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(OrjsonRenderer().render(data), OrjsonRenderer.media_type, status)
        self.data = data
        if data is None:
            del self.headers["Content-Type"]
        for name, value in (headers or {}).items():
            self.headers[name] = value


class JSONParser(parsers.BaseParser):
    """A JSON body that both databases can keep as it came (see common/json_values.py)."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        body = stream.read()
        announced = (parser_context or {})["request"].META.get("CONTENT_LENGTH")
        if len(body) < int(announced or 0):
            raise exceptions.ParseError("The body ended before the length it announced.")
        if json_values.has_more_values(body, MOST_VALUES):
            raise errors.TooManyValues(
                f"The body has more than {MOST_VALUES} JSON values. Send fewer at once.",
                max_values=MOST_VALUES,
            )
        try:
            # orjson turns an integer beyond 64 bits into a float.
            if LONG_NUMBER in body.translate(DIGITS_AS_ZEROS):
                value, is_plain = json_values.loads(body.decode()), False
            else:
                value, is_plain = orjson.loads(body), json_values.is_plain(body)
            if not (is_plain or json_values.is_storable(value)):
                json_values.cleaned(value, _refuse_value)
        except json_values.NestedTooDeep as error:
            raise exceptions.ParseError(f"The body is {error}.") from error
        except (ValueError, RecursionError) as error:
            raise exceptions.ParseError(f"The body is not valid JSON: {error}.") from error
        return value


def _refuse_value(pointer: str, what: str) -> None:
    place = pointer or "/"
    raise exceptions.ParseError(f"The body holds what cannot be stored: {what} at {place}.")


class UidConverter(UUIDConverter):
    """`uid` in a path: an id, in upper case too, as some platforms write UUIDs."""

    regex = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


register_converter(UidConverter, "uid")


class AlwaysJSON(negotiation.BaseContentNegotiation):
    """The API speaks JSON whatever `Accept` says; a browser's text/html is no reason for a 406."""

    def select_parser(self, request: Any, parser_list: Any) -> Any:
        return negotiation.DefaultContentNegotiation().select_parser(request, parser_list)

    def select_renderer(self, request: Any, renderer_list: Any, format_suffix: Any = None) -> Any:
        return renderer_list[0], renderer_list[0].media_type


class AllowAlone(metadata.BaseMetadata):
    """OPTIONS is answered by the header `Allow`, which every answer has, and no body."""

    def determine_metadata(self, request: Any, view: Any) -> None:
        return None
