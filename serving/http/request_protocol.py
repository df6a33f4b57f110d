"""uvicorn's HTTP protocol for the requests that Django answers."""

import re
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_HOST = re.compile(rb"[^/?#*][^/?#]*//[^/?#]*")


class RequestProtocol(HttpToolsProtocol):
    """Knows in which part of a request the parser is, and drops trailers.

    httptools calls the overridden methods by their names. Of uvicorn's own members none is used. `on_request` is called
    with the target of each request whose head is complete.
    """

    is_receiving = False
    """Whether a request has begun and is not complete."""
    is_in_head = False
    """Whether the request that has begun lacks the end of its headers."""
    body_left: int | None = None
    """Bytes of the body to come, by Content-Length; None for a body in chunks."""
    wants_upgrade = False
    """Whether a request asked for another protocol; the parser understands nothing after it."""

    def __init__(self, *args: Any, on_request: Callable[[str], None], **options: Any) -> None:
        super().__init__(*args, **options)
        self._on_request, self._target = on_request, b""

    def on_message_begin(self) -> None:
        self.is_receiving = self.is_in_head = True
        self.body_left, self._target = 0, b""
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        super().on_url(url if self._target else _origin_form(url))
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.is_in_head:
            return  # a trailer: who merges it with the headers lets a client send what only proxies may
        value = value.strip(b" \t")
        key = name.lower()
        if key == b"content-length":
            self.body_left = int(value)
        elif key == b"transfer-encoding":
            self.body_left = None
        elif key == b"upgrade":
            self.wants_upgrade = True
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self.is_in_head = False
        self._on_request(self._target.decode("latin-1"))
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self.body_left is not None:
            self.body_left -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self.is_receiving = False
        super().on_message_complete()


def _origin_form(target: bytes) -> bytes:
    """Return the path and query of a target that names a host, RFC 9112 section 3.2.2; another target as it is."""
    rest = _HOST.sub(b"", target, count=1) if not target.startswith(b"/") else target
    return rest if rest.startswith((b"/", b"*")) else b"/" + rest
