"""Small bodies of requests, which the hot lane takes apart from the headers: it knows those of requests without one."""

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

WRITES = {"PUT", "POST", "DELETE"}
END = b"\r\n\r\n"
JSON = {b"application/json", b"application/json; charset=utf-8", b"application/json;charset=utf-8"}
OF_BODY, OF_LONG_BODIES = {b"content-length", b"content-type"}, {b"expect", b"transfer-encoding"}
_LINES_OF_BODY = re.compile(rb"(?im)^(content-length|content-type):[ \t]*([^\r\n]*?)[ \t]*\r\n")

Receive = Callable[[], Awaitable[dict[str, Any]]]
RawHeaders = tuple[tuple[bytes, bytes], ...]


TakenApart = tuple[bytes, str, str, bytes, bytes, bytes]
"""The head of a request, its method, path and query, its lines after the request line without those that tell of the
body, and the body. A plain tuple, as each request of the lane makes one."""


def take_apart(data: bytes) -> TakenApart | None:
    """Take a request of HTTP/1.1 apart; None unless it is a GET, or complete with a body that is JSON or empty."""
    line, _, lines = data.partition(b"\r\n")
    if not line.endswith(b" HTTP/1.1"):
        return None
    if line.startswith(b"GET /"):
        path, _, query = line[4:-9].partition(b"?")
        return data, "GET", path.decode("latin-1"), query, lines, b""
    method, _, target = line[:-9].partition(b" ")
    end = data.find(END) + len(END)
    if method.decode("latin-1") not in WRITES or not target.startswith(b"/") or end < len(END):
        return None
    head, body, lines = data[:end], data[end:], data[len(line) + 2 : end]
    told = [(name.lower(), value) for name, value in _LINES_OF_BODY.findall(lines)]
    if not _is_told(told, body):
        return None
    path, _, query = target.partition(b"?")
    return head, method.decode(), path.decode("latin-1"), query, _LINES_OF_BODY.sub(b"", lines), body


async def small_body(headers: RawHeaders, receive: Receive) -> tuple[RawHeaders | None, bytes, Receive]:
    """Receive the body of an ASGI request; return the headers that do not tell of it, the body, and how to receive it
    again. No headers are returned unless the body is small, and JSON or empty."""
    if OF_LONG_BODIES & {name for name, _ in headers}:
        return None, b"", receive
    first = [await receive()]
    body = first[0].get("body", b"")

    async def receive_again() -> dict[str, Any]:
        return first.pop() if first else await receive()

    told = [header for header in headers if header[0] in OF_BODY]
    if first[0].get("more_body") or not _is_told(told, body):
        return None, b"", receive_again
    return tuple(header for header in headers if header not in told), body, receive_again


def _is_told(told: Sequence[tuple[bytes, bytes]], body: bytes) -> bool:
    """Return whether the headers tell once, and rightly, of a body that is JSON or empty."""
    values = dict(told)
    if len(values) < len(told) or values.get(b"content-length", b"0") != b"%d" % len(body):
        return False
    return not body or values.get(b"content-type", b"").lower() in JSON
