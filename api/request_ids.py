"""The id of each request, X-Request-ID: the caller's or a new one, on every answer and in every log line.

A request's id differs from those of all others, and so do the headers of tracing systems. What is kept by the headers
of a request leaves out all of these: see VARYING and serving.http.headers.
"""

import os
import re
import secrets
from itertools import count
from typing import Any

HEADER = "X-Request-ID"
ENVIRON = "HTTP_X_REQUEST_ID"
NAME = b"x-request-id"
NONE = "-"

VARYING = frozenset(
    (
        NAME, b"request-id", b"x-correlation-id", b"correlation-context",
        b"traceparent", b"tracestate", b"baggage",  # W3C
        b"b3", b"x-b3-traceid", b"x-b3-spanid", b"x-b3-parentspanid",  # Zipkin
        b"uber-trace-id", b"x-amzn-trace-id", b"x-cloud-trace-context", b"x-datadog-trace-id", b"x-datadog-parent-id",
        b"sentry-trace", b"newrelic", b"cf-ray", b"fly-request-id", b"x-request-start",
    )
)  # fmt: skip
"""Names of headers whose values differ with every request, and on which no answer depends but by its own id."""

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_IN_HEAD = re.compile(rb"\nx-request-id:[ \t]*([!-~]*)[ \t]*\r?\n", re.IGNORECASE)
_numbers = count(1)
_prefix = secrets.token_hex(8)


def new() -> str:
    """Return an id that no other request has: random for each process, and counted on in it."""
    return f"{_prefix}-{next(_numbers):x}"


def header_line(request_id: str | None) -> bytes:
    """Return the header line of an answer with this id, or with a new one."""
    if request_id is None:
        return b"x-request-id: %b-%x\r\n" % (_prefix.encode(), next(_numbers))
    return b"x-request-id: %b\r\n" % request_id.encode()


def given_or_new(text: str | None) -> str:
    """Return the id that a caller has sent, or a new one if it is none."""
    return text if text is not None and _ID.fullmatch(text) else new()


def from_headers(headers: Any) -> str:
    """Return the id of a request with these raw headers, pairs of a name in lower case and a value."""
    values = [value for name, value in headers if name == NAME]
    return given_or_new(values[0].decode("latin-1") if len(values) == 1 else None)


def from_head(data: bytes) -> str:
    """Return the id of a request by the beginning of its bytes, however malformed they are."""
    found = _IN_HEAD.findall(data)
    return given_or_new(found[0].decode() if len(found) == 1 else None)


def _renew_prefix() -> None:
    global _prefix
    _prefix = secrets.token_hex(8)


os.register_at_fork(after_in_child=_renew_prefix)
