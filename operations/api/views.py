"""How Steward is, for probes, for people and for Prometheus. Outside of /api/v1/."""

import time
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from rest_framework.request import Request
from rest_framework.viewsets import ViewSet

from access.permissions import AnyService
from common.api.problems import RETRY_AFTER_SECONDS
from common.api.wire import Response
from common.declarations import DOWN
from operations import health, metrics
from operations.api.authentication import MonitorAuthentication, StaffAuthentication
from operations.api.serializers import HealthResponse, StatusResponse
from operations.errors import NotReady

# A staff session does as well; a program comes with a key.
AUTH: Any = [{"bearer": []}]
OPEN: Any = [{}]
NO_STORE = {"Cache-Control": "no-store"}
# Every answer comes within 2 seconds, whatever the database does; finding the caller has its share.
READY_SECONDS, DETAILED_SECONDS = 1.6, 1.0


class ProbeViewSet(ViewSet):
    """For the machines that watch over machines: open to all, and telling nothing of the inside."""

    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []
    required_scopes: dict[str, Any] = {}
    acts_for_person = False

    @extend_schema(responses=StatusResponse, tags=["operations"], auth=OPEN)
    def live(self, request: Request) -> Response:
        """Whether the process answers. Asks no database: its loss is no reason for a restart."""
        return Response({"status": "alive"}, headers=NO_STORE)

    @extend_schema(responses=StatusResponse, tags=["operations"], auth=OPEN)
    def ready(self, request: Request) -> Response:
        """Whether requests would be served: database, migrations, pool. 503 when not."""
        failing = health.note(health.needed(seconds=READY_SECONDS))
        if failing:
            error = NotReady("Not ready; the log says why.", failing=failing)
            error.headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
            raise error
        return Response({"status": "ready"}, headers=NO_STORE)


class MonitorViewSet(ViewSet):
    """For those who run Steward: any valid key, or staff who are logged in."""

    authentication_classes = [MonitorAuthentication, StaffAuthentication]
    permission_classes = [AnyService]
    required_scopes: dict[str, Any] = {"detailed": (), "metrics": ()}
    acts_for_person = False

    @extend_schema(
        responses={200: HealthResponse, 503: HealthResponse}, tags=["operations"], auth=AUTH
    )
    def detailed(self, request: Request) -> Response:
        """How each component is. 503 with the same body when one of them is down."""
        begun = time.perf_counter()
        found = health.all_components(seconds=DETAILED_SECONDS)
        status = health.worst(found)
        body = {
            "status": status,
            "time": timezone.now(),
            "response_time_ms": round((time.perf_counter() - begun) * 1000, 2),
            "components": {name: component.as_json() for name, component in found.items()},
        }
        return Response(body, status=503 if status == DOWN else 200, headers=NO_STORE)

    @extend_schema(
        responses={(200, "text/plain"): OpenApiResponse(OpenApiTypes.STR)},
        tags=["operations"],
        auth=AUTH,
    )
    def metrics(self, request: Request) -> HttpResponse:
        """Counters, durations and pool numbers of all processes, in Prometheus' text format."""
        return HttpResponse(metrics.exposition(), content_type=CONTENT_TYPE_PLAIN_0_0_4)
