"""What the API's description (OpenAPI 3.1) says of all operations alike."""

import re
from http import HTTPStatus
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema_serializer

from common.api import problems

# Where `make run` serves it; a running server names itself.
SERVER = "http://127.0.0.1:8000"
PROBLEM = {
    "type": "object",
    "description": "What went wrong (RFC 9457). Some codes come with members of their own.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"$ref": "#/components/schemas/ProblemCode"},
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

TAGS = [
    {"name": "conversations", "description": "Conversations, their messages, search, export."},
    {"name": "usage", "description": "Quotas by day and month."},
    {"name": "credits", "description": "Prepaid credits: entries of the ledger, and holds."},
    {"name": "consent", "description": "Who agreed to which text, and the texts."},
    {"name": "persons", "description": "Who is known, and what applications call them."},
    {"name": "privacy", "description": "A person's copy of everything, and their erasure."},
    {"name": "cache", "description": "Answers worth reusing, one maker for each."},
    {"name": "operations", "description": "How Steward is, for probes and for operators."},
]

# Headers of answers: a description, and the schema. First those of many operations.
SHARED_HEADERS: dict[str, tuple[str, dict[str, Any]]] = {
    "X-Request-ID": (
        "The request's id in the log: the caller's own, or a new one.",
        {"type": "string"},
    ),
    "WWW-Authenticate": (
        "`Bearer`; of a token that is not taken with the reason.",
        {"type": "string"},
    ),
    "Retry-After": ("Seconds until it is worth while to try again.", {"type": "integer"}),
    "Idempotency-Replayed": (
        "`true` where this is the answer to an earlier, equal request; missing elsewhere.",
        {"type": "string", "enum": ["true"]},
    ),
    "RateLimit": (
        "What is left of each limit (`r`), and for how many seconds (`t`): draft RateLimit header"
        " fields for HTTP.",
        {"type": "string"},
    ),
    "RateLimit-Policy": ("Each limit (`q`) and its window in seconds (`w`).", {"type": "string"}),
}
HEADERS = SHARED_HEADERS | {
    "Location": ("The new row's address.", {"type": "string"}),
    "Cache-Status": ("As RFC 9211 has it.", {"type": "string"}),
    "Content-Disposition": ("The name of the file.", {"type": "string"}),
    "X-Credits-Available": ("The credits that the person may spend now.", {"type": "integer"}),
}
# What any answer has, the limits where rates or quotas are set; and what those of a status have.
ALWAYS = ["X-Request-ID", "RateLimit", "RateLimit-Policy"]
HEADERS_OF = {"401": ["WWW-Authenticate"], "429": ["Retry-After"], "503": ["Retry-After"]}

# By status, the answers that operations share: their name, and a description.
ANSWERS = {
    "400": ("BadRequest", "The request is not as it should be."),
    "401": ("Unauthenticated", "No credentials, or bad ones."),
    "403": ("Forbidden", "The credentials do not suffice."),
    "404": ("NotFound", "There is no such thing, or it is another person's."),
    "411": ("LengthRequired", "The body came without a length."),
    "413": ("TooLarge", "The body is too large."),
    "415": ("UnsupportedMediaType", "The body is not application/json."),
    "422": ("IdempotencyKeyReused", "The Idempotency-Key was used for another request."),
    "429": ("TooManyRequests", "Too many requests; try again after `Retry-After` seconds."),
    "503": (
        "Unavailable",
        "The database, or the identity provider, does not answer; try again after `Retry-After`"
        " seconds.",
    ),
}
ANYWHERE = ("400",)
EVERYWHERE = ("400", "401", "403", "429", "503")
WITH_ID = ("404",)
WITH_BODY = ("411", "413", "415")
WITH_KEY = ("422",)
WITHOUT_CALLER = ("/health/live", "/health/ready")
USER_ID = OpenApiParameter(
    "X-User-Id",
    {"type": "string", "minLength": 1, "maxLength": 128},
    OpenApiParameter.HEADER,
    description="The person a service key acts for: 1 to 128 characters in UTF-8, as they are or as"
    " UTF-8''… of RFC 8187; required of a key on every route of a person's own. A person's own"
    " token needs none.",
)
IDEMPOTENCY_KEY = "Idempotency-Key"
FIRST_SENTENCE = re.compile(r"\.\s+|\.$")
# How the methods of views are called in operation ids.
VERBS = {"retrieve": "get", "partial_update": "update", "destroy": "delete"}


def answer_header(name: str, *statuses: int) -> OpenApiParameter:
    """A header that answers of these statuses have, for a view's `parameters`."""
    description, schema = HEADERS[name]
    return OpenApiParameter(
        name, schema, OpenApiParameter.HEADER, response=list(statuses), description=description
    )


def example(value: dict[str, Any]) -> Any:
    """Decorates the serializer of a request with a body that the server takes as it stands."""
    return extend_schema_serializer(
        examples=[OpenApiExample("example", value=value, request_only=True)]
    )


def servers(request: Any) -> list[dict[str, str]]:
    """Where the API is, as the description says it to this request."""
    here = SERVER if request is None else request.build_absolute_uri("/").rstrip("/")
    return [{"url": here}]


def describe(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Adds the servers, the problem body, and to each operation what any operation may answer."""
    components = result.setdefault("components", {})
    components["schemas"] |= {
        "Problem": PROBLEM,
        "ProblemCode": {
            "type": "string",
            "description": "Stable, for programs; docs/errors.md says of each what to do. New ones"
            " come with new versions.",
            "enum": sorted(problems.problem_codes()),
        },
    }
    components["headers"] = {
        name: {"description": description, "schema": schema}
        for name, (description, schema) in SHARED_HEADERS.items()
    }
    components["responses"] = {
        name: _problem(status, description) for status, (name, description) in ANSWERS.items()
    }
    for path, operations in result["paths"].items():
        for operation in operations.values():
            _complete(operation, path)
    return {
        "openapi": result["openapi"],
        "info": result["info"],
        "servers": servers(kwargs.get("request")),
        **_null_once(result),
        "tags": TAGS,
    }


def _complete(operation: dict[str, Any], path: str) -> None:
    """Adds to an operation's answers those that it shares, and the headers of each."""
    answers = operation["responses"]
    named = {parameter["name"] for parameter in operation.get("parameters", ())}
    shared: tuple[str, ...] = ANYWHERE if path in WITHOUT_CALLER else EVERYWHERE
    shared += WITH_ID if "{" in path else ()
    shared += WITH_BODY if "requestBody" in operation else ()
    shared += WITH_KEY if IDEMPOTENCY_KEY in named else ()
    for status in shared:
        answers.setdefault(status, {"$ref": f"#/components/responses/{ANSWERS[status][0]}"})
    for status, answer in answers.items():
        if "$ref" in answer:
            continue
        answer["description"] = answer["description"] or HTTPStatus(int(status)).phrase
        if status >= "400":
            answer |= _problem(status, answer["description"], answer)
            continue
        replayed = ["Idempotency-Replayed"] if IDEMPOTENCY_KEY in named else []
        answer["headers"] = _headers([*ALWAYS, *replayed]) | answer.get("headers", {})


def _problem(status: str, description: str, answer: Any = None) -> dict[str, Any]:
    given = answer or {}
    headers = _headers([*ALWAYS, *HEADERS_OF.get(status, [])])
    return {
        "description": description,
        "headers": headers | given.get("headers", {}),
        "content": given.get("content", {}) | PROBLEM_CONTENT,
    }


def _headers(names: list[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _null_once(schema: Any) -> Any:
    """Without the `null` that is added to a schema which has it already.

    Of a `oneOf` null would match twice, and so not at all; any JSON value is `{}` in itself.
    """
    if isinstance(schema, list):
        return [_null_once(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {name: _null_once(item) for name, item in schema.items()}
    choices = schema.get("oneOf")
    if isinstance(choices, list) and {} in choices:
        del schema["oneOf"]
    elif isinstance(choices, list):
        schema["oneOf"] = [one for at, one in enumerate(choices) if one not in choices[:at]]
    return schema


class Schema(AutoSchema):
    """Reads each view as it is: no list is a bare array, and personal routes name the person.

    The first sentence of a view's docstring is the summary. An operation is called by its tag and
    what it does: `conversations_list`; where a tag has things of several kinds, the view names its
    own in `noun`: `credits_capture_hold`.
    """

    def _is_list_view(self, serializer: Any = None) -> bool:
        return False

    def get_operation_id(self) -> str:
        action: str = getattr(self.view, "action", "") or self.method.lower()
        noun: str = getattr(self.view, "noun", "")
        verb = VERBS.get(action, action)
        named = f"{noun}s" if noun and verb == "list" else noun
        return "_".join(filter(None, (self.get_tags()[0], verb, named)))

    def get_summary(self) -> str | None:
        return self._documented()[0]

    def get_description(self) -> str:  # type: ignore[override]
        summary, rest = self._documented()
        return rest or f"{summary}."

    def _documented(self) -> tuple[str, str]:
        summary, *rest = FIRST_SENTENCE.split(super().get_description(), maxsplit=1)
        return " ".join(summary.split()), "".join(rest)

    def get_override_parameters(self) -> list[Any]:
        return [USER_ID] if getattr(self.view, "acts_for_person", True) else []
