"""An HTTP client that checks every answer against the OpenAPI schema; the fixture `api`."""

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

import msgspec
import pytest
from django.test import Client
from rest_framework_simplejwt.tokens import AccessToken

from tests.support import openapi_contract

PREFIX = "/api/v1/"


class Answer:
    def __init__(self, response: Any) -> None:
        self.status: int = response.status_code
        self.headers = response.headers
        self.bytes: bytes = response.getvalue()  # also of a streamed one
        self.json: Any = (
            msgspec.json.decode(self.bytes) if self.bytes and "json" in response.headers["content-type"] else None
        )

    def __repr__(self) -> str:
        return f"<{self.status} {self.bytes[:300]!r}>"


class ApiClient:
    """`api.get("users/1", by=alice)` sends a new access token of alice; `by` may be a token, too, or None."""

    def __init__(self) -> None:
        self.http = Client(raise_request_exception=True, headers={"x-forwarded-proto": "https"})

    def request(self, method: str, path: str, body: Any = None, *, by: Any = None, **options: Any) -> Answer:
        headers = dict(options.pop("headers", {}))
        token = by if isinstance(by, str | None) else str(AccessToken.for_user(by))
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        if body is not None:
            options["data"] = body if isinstance(body, bytes) else msgspec.json.encode(body)
        if query := options.pop("query", None):
            path = f"{path}?{urlencode(query)}"
        address = path if path.startswith("/") or "://" in path else PREFIX + path
        content_type = options.pop("content_type", "application/json")
        response = self.http.generic(method, address, content_type=content_type, headers=headers, **options)
        answer = Answer(response)
        if urlsplit(address).path.startswith("/api/"):
            media_type = response.headers.get("content-type")
            openapi_contract.check(method, unquote(urlsplit(address).path), answer.status, media_type, answer.json)
        return answer

    def __getattr__(self, verb: str) -> Callable[..., Answer]:
        return lambda path, *args, **options: self.request(verb.upper(), path, *args, **options)


@pytest.fixture
def api() -> ApiClient:
    return ApiClient()
