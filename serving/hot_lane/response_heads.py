"""Response heads: the headers that Django gives to every response, found by running its middleware.

They depend on the request's host and scheme only. For each pair of these Django's middleware runs once, around an empty
view. If the middleware refuses or redirects the request, there is no head, and the hot lane does not answer.
"""

from functools import lru_cache
from io import BytesIO
from math import inf
from typing import Any, NamedTuple

from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse
from django.urls import re_path

from api.json import json_response
from api.logs.current import BEGAN, set_current
from api.request_ids import NAME
from serving.bridge.environ import build_environ

MAX_CACHED = 1_000
OF_EACH_ANSWER = (b"content-length", NAME)
MAX_HOST_BYTES = 255 + len(":65535")  # RFC 1035 section 2.3.4 limits names to 255 bytes
_SCOPE = {"http_version": "1.1", "method": "GET", "path": "/", "raw_path": b"/", "query_string": b""}


class ResponseHead(NamedTuple):
    """The headers of a response as ASGI and as HTTP/1 have them, without those that differ with each answer.

    `base` is what absolute addresses in the body begin with, such as "https://example.org"; `without_type` are the
    headers of an answer without a body.
    """

    asgi_headers: list[tuple[bytes, bytes]]
    http1_headers: bytes
    base: str
    without_type: bytes


class ResponseHeadCache:
    """The response heads of the WSGI handler `django`, by host and scheme.

    Of a request nothing else is used, so that no client can influence the responses to others.
    """

    def __init__(self, django: BaseHandler) -> None:
        self._django = django
        header, https = settings.SECURE_PROXY_SSL_HEADER or ("", "")
        self._scheme_header = header.removeprefix("HTTP_").replace("_", "-").lower().encode()
        self._https = https.encode()
        self._host_header = b"x-forwarded-host" if settings.USE_X_FORWARDED_HOST else b"host"
        self._get = lru_cache(maxsize=MAX_CACHED)(self._make)

    def get(self, scheme: str, headers: dict[bytes, bytes]) -> ResponseHead | None:
        """Return the response head for a request's headers; None if the middleware refuses or redirects them."""
        host = headers.get(self._host_header, headers.get(b"host", b""))
        if not 0 < len(host) <= MAX_HOST_BYTES:
            return None
        forwarded = headers.get(self._scheme_header)
        if forwarded is not None:
            forwarded = self._https if forwarded.partition(b",")[0].strip() == self._https else b"http"
        return self._get(scheme, host, forwarded)

    def _make(self, scheme: str, host: bytes, forwarded_scheme: bytes | None) -> ResponseHead | None:
        headers = [(b"host", host)]
        if forwarded_scheme is not None:
            headers.append((self._scheme_header, forwarded_scheme))
        scope = {**_SCOPE, "scheme": scheme, "headers": headers}
        request: Any = WSGIRequest({**build_environ(scope), BEGAN: inf, "wsgi.input": BytesIO()})  # never slow
        request.urlconf = __name__
        response = self._django.get_response(request)
        set_current(None)
        if response.status_code != 200 or response.cookies:
            return None
        encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.items()]
        encoded = [header for header in encoded if header[0] not in OF_EACH_ANSWER]
        base = request.build_absolute_uri("/")[:-1]
        untyped = [header for header in encoded if header[0] != b"content-type"]
        return ResponseHead(encoded, _http1(encoded), base, _http1(untyped))


def _http1(headers: list[tuple[bytes, bytes]]) -> bytes:
    return b"".join(b"%b: %b\r\n" % header for header in headers)


def _empty(request: HttpRequest) -> HttpResponse:
    return json_response(None)


urlpatterns = [re_path("", _empty)]
