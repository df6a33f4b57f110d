"""The headers of requests for the hot lane, parsed once for each client, because a client repeats them.

It repeats all but those that differ with every request (api.request_ids.VARYING), which are left out before. They stand
at the same place in each request of a client, which is remembered by the length of its headers.
"""

from typing import Any, NamedTuple

import httptools

from api.request_ids import NAME, VARYING, given_or_new
from caching.recent import Recent
from serving.requests.limits import MAX_HEADERS

MAX_CACHED = 10_000  # sets of headers, mostly of half a kilobyte each
END, LF = b"\r\n\r\n", ord("\n")
VARYING_NAMES = frozenset(name.decode() for name in VARYING)
ID = NAME.decode()


class UnsupportedHeaders(Exception):
    """The request is not for the hot lane."""


class LaneHeaders(NamedTuple):
    """The headers of a request as the lane has parsed them, and whether the connection is kept alive."""

    parsed: Any
    keep_alive: bool


_cached: Recent[tuple[Any, str, bytes], LaneHeaders] = Recent(MAX_CACHED)
_places: dict[int, tuple[int, int]] = {}  # by length, where the lines that vary began and ended lately


def parse(lane: Any, scheme: str, lines: bytes) -> tuple[LaneHeaders, str | None]:
    """Parse the lines after a request line, which include the empty one; return also the id of the request, or None if
    it brings none.

    Raises UnsupportedHeaders unless the lines are complete, without a body, and for the lane. Such lines are not
    cached, so that requests without a valid token displace nothing.
    """
    if place := _places.get(len(lines)):
        begin, end = place
        headers = _cached[lane, scheme, lines[:begin] + lines[end:]]
        if headers is not None and lines[begin - 1] == LF and (found := _varying(lines[begin:end])):
            return headers, given_or_new(found[0])
    headers = _cached[lane, scheme, lines]
    return _parse_new(lane, scheme, lines) if headers is None else (headers, None)


def _parse_new(lane: Any, scheme: str, lines: bytes) -> tuple[LaneHeaders, str | None]:
    if lines.find(END) != len(lines) - len(END):
        raise UnsupportedHeaders
    kept: list[bytes] = []
    varying: list[bytes] = []
    for line in lines[: -len(END)].split(b"\r\n"):
        (varying if line.partition(b":")[0].lower() in VARYING else kept).append(line)
    found = _varying(b"".join(b"%b\r\n" % line for line in varying)) if varying else (None,)
    if found is None:
        raise UnsupportedHeaders
    key = lane, scheme, b"\r\n".join(kept) + END
    headers = _cached[key]
    if headers is None:
        headers = _parsed(*key)
        _cached.put(key, headers)
    if varying:
        begin = lines.find(varying[0])
        _places[len(lines)] = begin, lines.find(varying[-1], begin) + len(varying[-1]) + 2
    return headers, given_or_new(found[0])


def _varying(lines: bytes) -> tuple[str | None] | None:
    """Return the X-Request-ID, if there is one; None unless all lines are headers that vary, in visible ASCII."""
    request_id: str | None = None
    if not lines.isascii() or not lines.endswith(b"\r\n"):
        return None
    for line in lines[:-2].decode().split("\r\n"):
        name, colon, value = line.partition(":")
        name = name.lower()
        if not colon or name not in VARYING_NAMES or not value.isprintable():
            return None
        if name == ID and request_id is not None:
            return None
        if name == ID:
            request_id = value.strip(" ")
    return (request_id,)


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
