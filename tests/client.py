"""A caller of the API, as an application is one."""

from typing import Any

import orjson
from django.test import Client


class ApiClient:
    """Calls routes below /api/v1 with a key, for a person. `body` is sent as JSON."""

    def __init__(self, key: str | None, user_id: str | None) -> None:
        self.headers: dict[str, str] = {}
        if key is not None:
            self.headers["Authorization"] = f"Bearer {key}"
        if user_id is not None:
            self.headers["X-User-Id"] = user_id.encode().decode("latin-1")
        self.client = Client(raise_request_exception=False)

    def request(
        self, method: str, path: str, body: Any = None, *, raw: bytes | None = None, **headers: str
    ) -> Any:
        """`headers` by their names with underscores: `idempotency_key="k1"`."""
        url = path if path.startswith(("/api", "http")) else f"/api/v1{path}"
        content = raw if raw is not None else (b"" if body is None else orjson.dumps(body))
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        content_type = named.pop("content-type", "application/json")
        return self.client.generic(
            method, url, content, content_type=content_type, headers=self.headers | named
        )

    def get(self, path: str, **headers: str) -> Any:
        return self.request("GET", path, **headers)

    def post(self, path: str, body: Any = None, **options: Any) -> Any:
        return self.request("POST", path, body, **options)

    def patch(self, path: str, body: Any = None, **options: Any) -> Any:
        return self.request("PATCH", path, body, **options)

    def put(self, path: str, body: Any = None, **options: Any) -> Any:
        return self.request("PUT", path, body, **options)

    def delete(self, path: str, **headers: str) -> Any:
        return self.request("DELETE", path, **headers)
