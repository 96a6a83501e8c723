"""Paid views of every kind, for the tests of billing/middleware.py. Each costs 5."""

import asyncio
import io
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Any, ClassVar

from django.db import connection, transaction
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.template import engines
from django.template.response import TemplateResponse
from django.urls import include, path
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views import View
from rest_framework.decorators import api_view, permission_classes
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from billing.middleware import credits
from common import idempotency
from config import urls
from conversations.services import conversations

COST = 5


class ViewFailed(Exception):
    """What a view of these raises."""


def during() -> None:
    """What happens while a view runs; a test puts its own in this place."""


def waiting() -> None:
    """What happens before a coroutine waits for long."""


@credits(cost=COST)
def plain(request: HttpRequest, status: int = 200) -> HttpResponse:
    during()
    return JsonResponse({"in_transaction": connection.in_atomic_block}, status=status)


def unpaid(request: HttpRequest, status: int = 200) -> HttpResponse:
    during()
    return JsonResponse({}, status=status)


@credits(cost=COST)
def failing(request: HttpRequest) -> HttpResponse:
    raise ViewFailed


@credits(cost=COST)
@credits(cost=COST + 1)
def twice(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


@credits(cost=0)
def free(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


@credits(cost=lambda request: int(request.GET["cost"]))
def priced(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


# What costs are answered with by `bad_costs`, by name.
BAD_COSTS: dict[str, Any] = {
    "negative": -1,
    "truth": True,
    "float": 1.5,
    "text": "5",
    "nothing": None,
    "huge": 10**15 + 1,
    "list": [1],
}


def cost_of(request: Any) -> Any:
    """A cost that fails, or is none, as the query says."""
    kind = request.GET["kind"]
    return {"missing": {}}["there"][kind] if kind == "raises" else BAD_COSTS[kind]


@credits(cost=cost_of)
def badly_priced(request: HttpRequest) -> HttpResponse:
    during()
    return HttpResponse()


@credits(cost=cost_of)
async def badly_priced_coroutine(request: HttpRequest) -> HttpResponse:
    during()
    return HttpResponse()


@credits(cost=lambda request: len(request.data["models"]))
def priced_by_body(request: Request) -> Response:
    return Response({})


@transaction.non_atomic_requests
@credits(cost=COST)
def non_atomic(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


@credits(cost=COST)
def template(request: HttpRequest) -> HttpResponse:
    text = engines["django"].from_string("{{ held|safe }}")
    return TemplateResponse(request, text, {"held": lambda: during() or "text"})


@credits(cost=COST)
async def coroutine(request: HttpRequest, status: int = 200) -> HttpResponse:
    during()
    return HttpResponse(status=status)


@credits(cost=COST)
async def failing_coroutine(request: HttpRequest) -> HttpResponse:
    raise ViewFailed


@credits(cost=COST)
async def waiting_coroutine(request: HttpRequest) -> HttpResponse:
    waiting()
    await asyncio.sleep(60)
    return HttpResponse()


class Method(View):
    @credits(cost=COST)
    def get(self, request: HttpRequest) -> HttpResponse:
        during()
        return HttpResponse()


class UnpaidMethod(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        during()
        return HttpResponse()


@method_decorator(credits(cost=COST), name="dispatch")
class Dispatch(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        during()
        return HttpResponse()


class AsyncMethod(View):
    @credits(cost=COST)
    async def get(self, request: HttpRequest) -> HttpResponse:
        during()
        return HttpResponse()


class AsyncClass(View):
    async def get(self, request: HttpRequest) -> HttpResponse:
        during()
        return HttpResponse()


class Answers(ViewSet):
    required_scopes: ClassVar[dict[str, str]] = dict.fromkeys(
        ("ask", "ask_unpaid", "fail", "fail_to_render", "refuse"), "conversations:read"
    )

    @credits(cost=COST)
    def ask(self, request: Request) -> Response:
        during()
        return Response({"answer": 42})

    def ask_unpaid(self, request: Request) -> Response:
        during()
        return Response({"answer": 42})

    @credits(cost=COST)
    def fail(self, request: Request) -> Response:
        raise ViewFailed

    @credits(cost=COST)
    def fail_to_render(self, request: Request) -> Response:
        return Response({"price": Decimal("1.10")})

    @credits(cost=COST)
    def refuse(self, request: Request) -> Response:
        return Response(status=404)


class Kept(ViewSet):
    required_scopes: ClassVar[dict[str, str]] = {"create": "conversations:write"}

    @credits(cost=COST)
    def create(self, request: Any) -> Response:
        outcome = conversations.create_conversation(
            user_id=request.user_id,
            actor=request.auth.actor,
            at=timezone.now(),
            request_key=idempotency.request_key(request),
            title=request.data["title"],
        )
        return idempotency.created(outcome, {"id": outcome.row.uid})


class Open(APIView):
    authentication_classes: ClassVar[list[Any]] = []
    permission_classes: ClassVar[list[Any]] = []

    @credits(cost=COST)
    def get(self, request: Request) -> Response:
        during()
        return Response({})


@credits(cost=COST)
@api_view(["GET"])
@permission_classes([])
def api_function_within(request: Request) -> Response:
    during()
    return Response({})


@api_view(["POST"])
@permission_classes([])
@credits(cost=COST)
def api_function(request: Request) -> Response:
    return Response({})


def parts(kind: str) -> Iterator[str]:
    if kind == "fails-at-once":
        raise ViewFailed
    if kind == "begins-empty":
        yield ""
    if kind != "empty":
        yield "a"
    if kind == "fails-later":
        raise ViewFailed
    if kind == "whole":
        yield "b"


async def async_parts(kind: str) -> AsyncIterator[str]:
    if kind == "waits":
        waiting()
        await asyncio.sleep(60)
    for part in parts(kind):
        yield part
    if kind == "stays":
        waiting()
        await asyncio.sleep(60)


@credits(cost=COST)
def stream(request: HttpRequest, kind: str) -> StreamingHttpResponse:
    return StreamingHttpResponse(parts(kind), status=404 if kind == "absent" else 200)


@credits(cost=COST)
def late_stream(request: HttpRequest) -> StreamingHttpResponse:
    during()
    return StreamingHttpResponse(parts("whole"))


@credits(cost=COST)
async def async_stream(request: HttpRequest, kind: str) -> StreamingHttpResponse:
    return StreamingHttpResponse(async_parts(kind))


@credits(cost=COST)
def file(request: HttpRequest) -> FileResponse:
    return FileResponse(io.BytesIO(b"ab"))


def unpaid_stream(request: HttpRequest, kind: str) -> StreamingHttpResponse:
    return StreamingHttpResponse(parts(kind))


paid = [
    path("plain", plain, name="plain"),
    path("plain/<int:status>", plain),
    path("unpaid", unpaid, name="unpaid"),
    path("unpaid/<int:status>", unpaid, name="unpaid-status"),
    path("failing", failing),
    path("twice", twice),
    path("free", free),
    path("priced", priced),
    path("badly-priced", badly_priced, name="badly-priced"),
    path("badly-priced-coroutine", badly_priced_coroutine),
    path("priced-by-body", api_view(["POST"])(permission_classes([])(priced_by_body))),
    path("kept", Kept.as_view({"post": "create"})),
    path("non-atomic", non_atomic, name="non-atomic"),
    path("template", template),
    path("coroutine", coroutine),
    path("coroutine/<int:status>", coroutine),
    path("failing-coroutine", failing_coroutine),
    path("method", Method.as_view(), name="method"),
    path("unpaid-method", UnpaidMethod.as_view(), name="unpaid-method"),
    path("dispatch", Dispatch.as_view()),
    path("class", credits(cost=COST)(AsyncClass.as_view())),
    path("async-method", AsyncMethod.as_view()),
    path("ask", Answers.as_view({"get": "ask", "post": "ask"}), name="ask"),
    path("ask/whole", credits(cost=COST)(Answers.as_view({"get": "ask_unpaid"}))),
    path("ask/both", credits(cost=COST)(Answers.as_view({"get": "ask"}))),
    path("ask/unpaid", Answers.as_view({"get": "ask_unpaid"}), name="ask-unpaid"),
    path("ask/fail", Answers.as_view({"get": "fail"})),
    path("ask/fail-to-render", Answers.as_view({"get": "fail_to_render"})),
    path("ask/refuse", Answers.as_view({"get": "refuse"})),
    path("open", Open.as_view()),
    path("api-function", api_function),
    path("api-function-within", api_function_within),
    path("stream/<str:kind>", stream),
    path("late-stream", late_stream),
    path("waiting", waiting_coroutine),
    path("async-stream/<str:kind>", async_stream),
    path("unpaid-stream/<str:kind>", unpaid_stream, name="unpaid-stream"),
    path("file", file),
]

urlpatterns = [
    path("api/paid/", include((paid, "paid"))),
    *urls.urlpatterns,
]
handler400 = urls.handler400
handler403 = urls.handler403
handler404 = urls.handler404
handler500 = urls.handler500
