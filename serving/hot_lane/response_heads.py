"""Response heads: the headers that Django gives to every response, found by running its middleware.

They depend on the request's host and scheme only. For each pair of these Django's middleware runs once, around an empty
view. If the middleware refuses or redirects the request, there is no head, and the hot lane does not answer.
"""

from io import BytesIO
from typing import Any, NamedTuple

from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse
from django.urls import re_path

from api.json import json_response
from serving.bridge.environ import build_environ

MAX_CACHED = 1_000
_SCOPE = {"http_version": "1.1", "method": "GET", "path": "/", "raw_path": b"/", "query_string": b""}


class ResponseHead(NamedTuple):
    """The headers of a response as ASGI and as HTTP/1 have them, without Content-Length."""

    asgi_headers: list[tuple[bytes, bytes]]
    http1_headers: bytes


class ResponseHeadCache:
    """The response heads of the WSGI handler `django`, by host and scheme."""

    def __init__(self, django: BaseHandler) -> None:
        self._django = django
        self._heads: dict[tuple[Any, ...], ResponseHead | None] = {}
        header = settings.SECURE_PROXY_SSL_HEADER
        self._scheme_header = header[0].removeprefix("HTTP_").replace("_", "-").lower().encode() if header else b""

    def get(self, scheme: str, headers: dict[bytes, bytes]) -> ResponseHead | None:
        """Return the response head for a request's headers; None if the middleware refuses or redirects them."""
        key = headers.get(b"host"), headers.get(self._scheme_header), scheme
        if key not in self._heads:
            if len(self._heads) >= MAX_CACHED:
                self._heads.clear()
            self._heads[key] = self._make(scheme, headers) if key[0] else None
        return self._heads[key]

    def _make(self, scheme: str, headers: dict[bytes, bytes]) -> ResponseHead | None:
        scope = {**_SCOPE, "scheme": scheme, "headers": list(headers.items())}
        request: Any = WSGIRequest({**build_environ(scope), "wsgi.input": BytesIO()})
        request.urlconf = __name__
        response = self._django.get_response(request)
        if response.status_code != 200 or response.cookies:
            return None
        encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.items()]
        encoded = [header for header in encoded if header[0] != b"content-length"]
        return ResponseHead(encoded, b"".join(b"%b: %b\r\n" % header for header in encoded))


def _empty(request: HttpRequest) -> HttpResponse:
    return json_response(None)


urlpatterns = [re_path("", _empty)]
