"""The short way of a call below /api/v1/: to its view through settings.API_MIDDLEWARE alone.

What else stands in MIDDLEWARE, such as sessions, is for pages, and takes longer than a small view.
A call that brings a cookie comes from a browser that shows pages, and goes with them.
"""

import re
import uuid
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.core.handlers.base import BaseHandler
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponseBase
from django.urls import ResolverMatch, get_resolver
from django.utils.module_loading import import_string

from common.api.wire import UidConverter

API = "/api/v1/"
# In an address, and in a route.
ID = re.compile(rf"(?<=/){UidConverter.regex}(?=/|\Z)")
ID_OF_ROUTE = re.compile(r"<uid:\w+>")
ANY_ID = "<id>"


class ShortWay(BaseHandler):
    """First in MIDDLEWARE: sends calls of the API the short way, and all others on.

    It is a handler of Django's within the one that the server has made, and does what that does:
    loads middleware, finds the view, makes answers of exceptions.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.long_way = get_response
        self.routes = (get_resolver(), dict[tuple[str, int], ResolverMatch]())
        self.load_middleware()

    def __call__(self, request: HttpRequest) -> Any:
        is_short = request.path_info.startswith(API) and not request.META.get("HTTP_COOKIE")
        return (self.short_way if is_short else self.long_way)(request)

    def load_middleware(self, is_async: bool = False) -> None:
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        self.short_way: Any = convert_exception_to_response(
            self._get_response  # type: ignore[attr-defined]
        )
        for path in reversed(settings.API_MIDDLEWARE):
            try:
                middleware = import_string(path)(self.short_way)
            except MiddlewareNotUsed:
                continue
            if hasattr(middleware, "process_view"):
                self._view_middleware.insert(0, middleware.process_view)
            self.short_way = convert_exception_to_response(middleware)

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        """What Django's resolver finds, which tries each route with an expression, but once.

        For a route of fixed words and ids what it has found holds for any ids.
        """
        resolver, known = self.routes
        if resolver is not get_resolver():  # a test has other routes
            resolver, known = self.routes = (get_resolver(), {})
        address = request.path_info
        ids = ID.findall(address)
        shape = (ID.sub(ANY_ID, address), len(ids))
        match = known.get(shape)
        if match is None:
            match = resolver.resolve(address)
            if shape == (f"/{ID_OF_ROUTE.sub(ANY_ID, match.route)}", len(match.kwargs)):
                known[shape] = match
        elif ids:
            kwargs = dict(zip(match.kwargs, map(uuid.UUID, ids), strict=True))
            match = ResolverMatch(match.func, (), kwargs, match.url_name, route=match.route)
        request.resolver_match = match
        return match
