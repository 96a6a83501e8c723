"""Staff at the log-in: whose address a request has, and what somebody locked out is told."""

import ipaddress
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def client_ip(request: HttpRequest) -> str | None:
    """The address of whoever sent the request, behind settings.PROXY_COUNT proxies.

    Each proxy adds to X-Forwarded-For the address that it was called from; what stands left of
    those a client may have written itself. Whoever calls past the proxies has its own address: it
    sends no such header, or is none of settings.PROXY_ADDRESSES. None when there is no address, as
    on a Unix socket.
    """
    caller = _address(request.META.get("REMOTE_ADDR", ""))
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
    if not (settings.PROXY_COUNT and forwarded and _is_proxy(caller)):
        return str(caller) if caller else None
    sent_by = _address(forwarded.split(",")[-settings.PROXY_COUNT :][0].strip())
    return str(sent_by) if sent_by else None


@lru_cache(maxsize=1000)
def _address(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _is_proxy(caller: Address | None) -> bool:
    """One on a Unix socket, which is for this host alone, is."""
    networks = settings.PROXY_ADDRESSES
    return not (networks and caller) or any(caller in _network(text) for text in networks)


@cache
def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(text, strict=False)


def locked_out(request: HttpRequest, response: Any, credentials: Any) -> HttpResponse:
    """429, for as long as nobody may try again, whether the password is right or not."""
    seconds = int(settings.AXES_COOLOFF_TIME.total_seconds())
    page = TemplateResponse(
        request,
        "access/locked_out.html",
        {"minutes": seconds // 60},
        status=429,
        headers={"Retry-After": str(seconds), "Cache-Control": "no-store"},
    )
    return page.render()


class NoNulMiddleware:
    """Answers 400 below /admin/ to an address or header with a NUL, which PostgreSQL cannot store.

    Searches and the log of wrong passwords would fail over it. Forms refuse it by themselves.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith("/admin"):
            sent = [value for value in request.META.values() if isinstance(value, str)]
            if "%00" in request.META.get("QUERY_STRING", "") or any("\0" in text for text in sent):
                raise SuspiciousOperation("A NUL in the address or in a header.")
        return self.get_response(request)
