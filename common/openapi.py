"""What the API's description (OpenAPI 3.1) says of all operations alike."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

PROBLEM = {
    "type": "object",
    "description": "What went wrong (RFC 9457). `code` is stable; docs/errors.md lists all codes.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "instance": {"type": "string"},
        "errors": {
            "type": "object",
            "description": "By field; only with `invalid_request`.",
            "additionalProperties": True,
        },
    },
    "required": ["type", "title", "status", "detail", "code", "instance"],
}

PROBLEM_CONTENT = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
EVERYWHERE = {
    "400": "The request is not as it should be.",
    "401": "No credentials, or bad ones.",
    "403": "The credentials do not suffice.",
    "429": "Too many requests; try again after `Retry-After` seconds.",
    "503": "The database, or the identity provider, does not answer; try again after `Retry-After`"
    " seconds.",
}
WITH_ID = {"404": "There is no such thing, or it is another person's."}
WITH_BODY = {
    "411": "The body came without a length.",
    "413": "The body is too large.",
    "415": "The body is not application/json.",
}
WITH_KEY = {"422": "The Idempotency-Key was used for another request."}
USER_ID = OpenApiParameter(
    "X-User-Id",
    {"type": "string", "minLength": 1, "maxLength": 128},
    OpenApiParameter.HEADER,
    description="The person a service key acts for: 1 to 128 characters in UTF-8, as they are or as"
    " UTF-8''… of RFC 8187; required of a key on every route of a person's own. A person's own"
    " token needs none.",
)
OPEN_TO_ALL = ("/api/v1/schema", "/api/v1/docs", "/health/live")


def add_problem_answers(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Adds the problem body, and to each operation the answers that any operation may give."""
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = PROBLEM
    for path, operations in result["paths"].items():
        if path in OPEN_TO_ALL:
            continue
        for method, operation in operations.items():
            answers = dict(EVERYWHERE)
            if "{" in path:
                answers |= WITH_ID
            if method in ("post", "put", "patch"):
                answers |= WITH_BODY
            if method == "post":
                answers |= WITH_KEY
            for status, description in answers.items():
                operation["responses"].setdefault(status, {"description": description})
            for status, answer in operation["responses"].items():
                if status >= "400":
                    answer["content"] = PROBLEM_CONTENT
    return result


class Schema(AutoSchema):
    """Reads each view as it is: no list is a bare array, and personal routes name the person."""

    def _is_list_view(self, serializer: Any = None) -> bool:
        return False

    def get_operation_id(self) -> str:
        noun = type(self.view).__name__.removesuffix("ViewSet").lower()
        action: str = getattr(self.view, "action", "") or self.method.lower()
        return f"{noun}_{action}"

    def get_override_parameters(self) -> list[Any]:
        return [USER_ID] if getattr(self.view, "acts_for_person", True) else []
