"""The headers that an answer of Django has, whatever it answers: what the middleware adds, learnt from itself.

They depend on the host that was asked for and on the scheme, so a pair of these is asked for once: Django's
middleware is run around an empty view. Where it refuses or redirects, there is no head, and no answer of the lane.
"""

from io import BytesIO
from typing import Any, NamedTuple

from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse
from django.urls import re_path

from api.json import json_response
from serving.bridge.environ import environ_of

REMEMBERED = 1_000
_SCOPE = {"http_version": "1.1", "method": "GET", "path": "/", "raw_path": b"/", "query_string": b""}


class ResponseHead(NamedTuple):
    """Names and values, and the same as HTTP/1 writes them."""

    named: list[tuple[bytes, bytes]]
    lines: bytes


class ResponseHeadCache:
    def __init__(self, django: BaseHandler) -> None:
        self._django = django
        self._known: dict[tuple[Any, ...], ResponseHead | None] = {}
        header = settings.SECURE_PROXY_SSL_HEADER
        self._scheme_header = header[0].removeprefix("HTTP_").replace("_", "-").lower().encode() if header else b""

    def of(self, scheme: str, headers: dict[bytes, bytes]) -> ResponseHead | None:
        """`headers`: the request's. The answer lacks Content-Length."""
        key = headers.get(b"host"), headers.get(self._scheme_header), scheme
        if key not in self._known:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[key] = self._learnt(scheme, headers) if key[0] else None
        return self._known[key]

    def _learnt(self, scheme: str, headers: dict[bytes, bytes]) -> ResponseHead | None:
        scope = {**_SCOPE, "scheme": scheme, "headers": list(headers.items())}
        request: Any = WSGIRequest({**environ_of(scope), "wsgi.input": BytesIO()})
        request.urlconf = __name__
        response = self._django.get_response(request)
        if response.status_code != 200 or response.cookies:
            return None
        named = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.items()]
        named = [header for header in named if header[0] != b"content-length"]
        return ResponseHead(named, b"".join(b"%b: %b\r\n" % header for header in named))


def _empty(request: HttpRequest) -> HttpResponse:
    return json_response(None)


urlpatterns = [re_path("", _empty)]
