"""What the health routes answer, for the API's description."""

from typing import Any

from rest_framework import serializers


class StatusResponse(serializers.Serializer[Any]):
    status = serializers.CharField(read_only=True)


class HealthResponse(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=["ok", "degraded", "down"], read_only=True)
    time = serializers.DateTimeField(read_only=True)
    response_time_ms = serializers.FloatField(read_only=True, help_text="Of this look.")
    components = serializers.DictField(
        child=serializers.DictField(),
        read_only=True,
        help_text="By name: `status`, numbers, and the `reason` where it is not ok.",
    )
