"""The routes of the cache."""

from typing import Any

import orjson
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.viewsets import ViewSet

from access.authentication import CallerRequest
from access.permissions import HasScope
from common.api import openapi
from common.api.serializers import validated
from common.api.wire import Response
from common.errors import NotFound
from querycache import reports, statements
from querycache.api import serializers
from querycache.api.parsers import ResultParser
from querycache.keys import CacheRequest, key_of
from querycache.models import CacheEntry, Namespace
from querycache.services import entries, lookups, namespaces

KEY = OpenApiParameter("key", OpenApiTypes.STR, OpenApiParameter.PATH, pattern="^[0-9a-f]{64}$")
# What a response tells of an entry besides its result.
ENTRY_FIELDS = (
    "cost_credits",
    "produced_ms",
    "byte_size",
    "created_at",
    "fresh_until",
    "stale_until",
)


class CacheViewSet(ViewSet):
    required_scopes = {"lookup": "cache:read"}

    @extend_schema(
        operation_id="cache_look_up",
        parameters=[
            openapi.answer_header("Cache-Status", 200),
            openapi.answer_header("Retry-After", 200),
        ],
        request=serializers.LookupRequest,
        responses=serializers.LookupResponse,
        tags=["cache"],
    )
    def lookup(self, request: CallerRequest) -> Response:
        """The answer to a request, or the right to make it, or when to come back.

        A miss with a `lease` makes this caller the one who makes the answer. A miss without one
        carries `Retry-After`: another caller is making it.
        """
        asked = validated(serializers.LookupRequest, request.data)
        namespace, wait_ms = asked.pop("namespace"), asked.pop("wait_ms")
        cache_request = CacheRequest(**asked)
        result = lookups.look_up(
            namespace=namespace,
            user_id=request.user_id,
            cache_request=cache_request,
            at=timezone.now(),
            wait_seconds=wait_ms / 1000,
        )
        return Response(result_json(result), headers=result_headers(result))


class NamespaceViewSet(ViewSet):
    """What is of a namespace as a whole, or of nobody: no X-User-Id."""

    required_scopes = {"key": "cache:read", "invalidate": "cache:manage", "stats": "cache:read"}
    permission_classes = [HasScope]
    acts_for_person = False

    @extend_schema(
        operation_id="cache_compute_key",
        request=serializers.LookupRequest,
        responses=serializers.KeyResponse,
        tags=["cache"],
    )
    def key(self, request: CallerRequest) -> Response:
        """The key of a look-up, and the canonical text that it is the SHA-256 of.

        Of the namespace it matters whether that ignores case; `wait_ms` is no part of it.
        """
        asked = validated(serializers.LookupRequest, request.data)
        namespace, _ = asked.pop("namespace"), asked.pop("wait_ms")
        ignore_case = Namespace.objects.named(namespace).ignoring_case().exists()
        canonical = CacheRequest(**asked).canonical(ignore_case=ignore_case)
        return Response({"key": key_of(canonical), "canonical": canonical})

    @extend_schema(
        request=serializers.InvalidateRequest,
        responses=serializers.InvalidateResponse,
        tags=["cache"],
    )
    def invalidate(self, request: CallerRequest) -> Response:
        """End what is stored with one of the tags, by a model, or everything in a namespace.

        The very next look-up obeys, in any process.
        """
        given = validated(serializers.InvalidateRequest, request.data)
        epoch = namespaces.invalidate(
            namespace=given["namespace"],
            tags=given.get("tags", ()),
            model=given.get("model"),
            at=timezone.now(),
        )
        return Response({"namespace": given["namespace"], "epoch": epoch})

    @extend_schema(
        parameters=[serializers.NamespaceQuery],
        responses={
            200: serializers.CacheStatisticsResponse,
            404: OpenApiResponse(description="There is no such namespace."),
        },
        tags=["cache"],
    )
    def stats(self, request: CallerRequest) -> Response:
        """The numbers of a namespace, of all persons together. Counters are some seconds late."""
        return Response(reports.statistics(namespace_of(request), at=timezone.now()))


class EntryViewSet(ViewSet):
    noun = "entry"
    parser_classes = [ResultParser]
    required_scopes = {
        "retrieve": "cache:read",
        "update": "cache:write",
        "destroy": "cache:write",
    }

    @extend_schema(
        parameters=[KEY, serializers.NamespaceQuery],
        responses=serializers.EntryResponse,
        tags=["cache"],
    )
    def retrieve(self, request: CallerRequest, key: str) -> Response:
        """The entry under a key, while it may be served, the stale window included.

        Counted as no look-up.
        """
        namespace = namespace_of(request)
        seen = statements.read(
            namespace=namespace, user_id=request.user_id, key=key, at=timezone.now()
        )
        found = None if seen is None else seen.entry_id
        entry = found and CacheEntry.objects.filter(pk=found).first()
        if not entry:
            raise NotFound("There is no such entry.")
        return Response(entry_json(namespace, entry))

    @extend_schema(
        operation_id="cache_store_entry",
        parameters=[KEY, serializers.NamespaceQuery],
        request=serializers.StoreRequest,
        responses={
            201: serializers.EntryResponse,
            200: serializers.EntryResponse,
            409: OpenApiResponse(description="The lease has ended: `lease_lost`."),
            422: OpenApiResponse(description="Empty, cut off or too big: `not_cacheable`."),
        },
        tags=["cache"],
    )
    def update(self, request: CallerRequest, key: str) -> Response:
        """Store an answer: 201 where none stood, 200 in place of another.

        With the `lease` of a look-up it is stored only if the lease still holds, and ends it.
        """
        given = validated(serializers.StoreRequest, request.data)
        raw, token = given.pop("result"), given.pop("lease", None)
        given["tags"] = tuple(given.get("tags", ()))
        namespace = namespace_of(request)
        stored = entries.store_answer(
            namespace=namespace,
            user_id=request.user_id,
            key=key,
            answer=entries.NewAnswer(text=raw.text, value=raw.value, **given),
            token=token,
            at=timezone.now(),
        )
        return Response(entry_json(namespace, stored.entry), status=201 if stored.created else 200)

    @extend_schema(
        parameters=[KEY, serializers.NamespaceQuery], responses={204: None}, tags=["cache"]
    )
    def destroy(self, request: CallerRequest, key: str) -> Response:
        """Forget a key: its entry, and the lease of whoever is making its answer."""
        entries.remove_entry(
            namespace=namespace_of(request), user_id=request.user_id, key=key, at=timezone.now()
        )
        return Response(status=204)


def namespace_of(request: CallerRequest) -> str:
    """The namespace that the address names."""
    query = validated(serializers.NamespaceQuery, request.query_params)
    namespace: str = query["namespace"]
    return namespace


def result_json(result: lookups.LookupResult) -> dict[str, Any]:
    lease = result.lease
    return {
        "status": result.status,
        "key": result.key,
        "result": None if result.result is None else orjson.Fragment(result.result),
        "age_seconds": result.age_seconds,
        "expires_in_seconds": result.expires_in_seconds,
        "lease": lease and {"token": lease.token, "expires_at": lease.expires_at},
    }


def result_headers(result: lookups.LookupResult) -> dict[str, str]:
    """`Cache-Status` as RFC 9211 has it, and when to come back if another caller is at work."""
    ttl = f"; ttl={result.expires_in_seconds}"
    if result.status == "bypass":
        status = "fwd=bypass"
    elif result.result is None:
        status = "fwd=miss"
    elif result.coalesced:
        status = f"fwd=miss; collapsed{ttl}"
    else:
        status = f"hit{ttl}"
    headers = {"Cache-Status": f"Steward; {status}"}
    if result.retry_after_seconds is not None:
        headers["Retry-After"] = str(result.retry_after_seconds)
    return headers


def entry_json(namespace: str, entry: CacheEntry) -> dict[str, Any]:
    return {
        "key": entry.key_hash,
        "namespace": namespace,
        "result": orjson.Fragment(entry.result),
        "model": entry.model or None,
        "tags": entry.shown_tags,
        **{name: getattr(entry, name) for name in ENTRY_FIELDS},
    }
