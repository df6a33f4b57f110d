"""The headers of requests for the hot lane, parsed once for each client, because a client repeats them.

It repeats all but those that differ with every request (api.request_ids.VARYING), which are left out before.
"""

from typing import Any, NamedTuple

import httptools

from api.request_ids import NAME, VARYING, given_or_new, new
from serving.requests.limits import MAX_HEADERS
from serving.requests.recent import Recent

MAX_CACHED = 10_000  # sets of headers, mostly of half a kilobyte each


class UnsupportedHeaders(Exception):
    """The request is not for the hot lane."""


class LaneHeaders(NamedTuple):
    """The headers of a request as the lane has parsed them, and whether the connection is kept alive."""

    parsed: Any
    keep_alive: bool


_cached: Recent[tuple[Any, str, bytes], LaneHeaders] = Recent(MAX_CACHED)


def parse(lane: Any, scheme: str, lines: bytes) -> tuple[LaneHeaders, str]:
    """Parse the lines after a request line, which include the empty one; return also the id of the request.

    Raises UnsupportedHeaders unless the lines are complete, without a body, and for the lane. Such lines are not
    cached, so that requests without a valid token displace nothing.
    """
    headers = _cached.get((lane, scheme, lines))
    if headers is not None:
        return headers, new()
    if lines.find(b"\r\n\r\n") != len(lines) - 4:
        raise UnsupportedHeaders
    kept, request_id = _without_varying(lines)
    headers = _cached.get((lane, scheme, kept))
    if headers is None:
        headers = _parsed(lane, scheme, kept)
        _cached.put((lane, scheme, kept), headers)
    return headers, given_or_new(request_id)


def _without_varying(lines: bytes) -> tuple[bytes, str | None]:
    """Return the lines that a client repeats, and the X-Request-ID."""
    kept, request_id = [], None
    for line in lines.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if (name := name.lower()) not in VARYING:
            kept.append(line)
        elif not value.isascii() or not (text := value.decode()).isprintable():
            raise UnsupportedHeaders
        elif name == NAME:
            if request_id is not None:
                raise UnsupportedHeaders
            request_id = text.strip(" ")
    return b"\r\n".join(kept), request_id


def _parsed(lane: Any, scheme: str, lines: bytes) -> LaneHeaders:
    request = _RequestParser()
    try:
        request.parser.feed_data(b"GET / HTTP/1.1\r\n" + lines)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):
        raise UnsupportedHeaders from None
    if not request.is_complete or len(request.headers) > MAX_HEADERS - len(VARYING):
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
