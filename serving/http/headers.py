"""The headers of requests for the hot lane, parsed once for each client, because a client repeats them."""

from functools import lru_cache
from typing import Any, NamedTuple

import httptools

from serving.requests.limits import MAX_HEADERS

MAX_CACHED = 10_000  # sets of headers, mostly of half a kilobyte each


class UnsupportedHeaders(Exception):
    """The request is not for the hot lane."""


class LaneHeaders(NamedTuple):
    """The headers of a request as the lane has parsed them, and whether the connection is kept alive."""

    parsed: Any
    keep_alive: bool


@lru_cache(maxsize=MAX_CACHED)
def parse(lane: Any, scheme: str, lines: bytes) -> LaneHeaders:
    """Parse the lines after a request line, which include the empty one.

    Raises UnsupportedHeaders unless the lines are complete, without a body, and for the lane. Such lines are not
    cached, so that requests without a valid token displace nothing.
    """
    if lines.find(b"\r\n\r\n") != len(lines) - 4:
        raise UnsupportedHeaders
    request = _RequestParser()
    try:
        request.parser.feed_data(b"GET / HTTP/1.1\r\n" + lines)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):
        raise UnsupportedHeaders from None
    if not request.is_complete or len(request.headers) > MAX_HEADERS:
        raise UnsupportedHeaders
    parsed = lane.parse_headers(scheme, tuple(request.headers))
    if parsed is None:
        raise UnsupportedHeaders
    return LaneHeaders(parsed, request.keep_alive)


class _RequestParser:
    """Collects what httptools calls back."""

    is_complete = False
    keep_alive = False

    def __init__(self) -> None:
        self.parser = httptools.HttpRequestParser(self)
        self.headers: list[tuple[bytes, bytes]] = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value.strip(b" \t")))

    def on_headers_complete(self) -> None:
        self.keep_alive = self.parser.should_keep_alive()

    def on_message_complete(self) -> None:
        self.is_complete = True
