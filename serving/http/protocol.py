"""HTTP/1 under uvicorn: its httptools protocol, with a fast path for requests that the hot lane answers."""

from functools import lru_cache, partial
from math import inf
from typing import Any, NamedTuple

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from serving.accepting.connection_shares import ConnectionShare
from serving.http.transport import CoalescingTransport

MAX_CACHED = 10_000  # sets of request headers, mostly of half a kilobyte each
MAX_FAST_PATH_BYTES = 2048  # of a request, with its headers


class Protocol(HttpToolsProtocol):
    """The protocol of one connection.

    On the fast path a request that comes alone and in one piece is given to the hot lane. Only its first line is
    parsed; the result for its headers is cached, because a client repeats them. httptools parses all other requests.
    """

    _in_message = False
    _is_shutting_down = False
    _pending_data: bytes | None = None  # received while the lane is at work; None while it is not
    _extra_environ: dict[str, Any] | None = None
    _idle_since = inf

    def __init__(self, *, share: ConnectionShare, **options: Any) -> None:
        super().__init__(**options)
        self._share = share
        self._has_lane = hasattr(self.app, "try_answer") and not self.access_log and not self.root_path

    def connection_made(self, transport: Any) -> None:
        super().connection_made(CoalescingTransport(transport, self.loop))  # type: ignore[arg-type]  # delegates

    def connection_lost(self, exc: Exception | None) -> None:
        self._share.add(-1)
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._idle_since = inf
        if self._pending_data is not None:
            self._pending_data += data
            self.flow.pause_reading()
        elif not self._try_fast_path(data):
            super().data_received(data)

    def shutdown(self) -> None:
        self._is_shutting_down = True
        if self._pending_data is None:
            super().shutdown()

    # The fast path: requests for the hot lane

    def _try_fast_path(self, data: bytes) -> bool:
        """Return whether the lane has begun to answer a request that is all of `data`."""
        is_busy = self._in_message or (self.cycle is not None and not self.cycle.response_complete)
        if is_busy or not self._has_lane or self.flow.write_paused or len(data) > MAX_FAST_PATH_BYTES:
            return False
        line, _, lines = data.partition(b"\r\n")
        if not (line.startswith(b"GET /") and line.endswith(b" HTTP/1.1")):
            return False
        headers = _parse_headers(self.app, self.scheme, lines)
        if headers is None:
            return False
        path, _, query = line[4:-9].partition(b"?")
        extra_environ: dict[str, Any] = {}
        callback = partial(self._finish_fast_path, data, headers, extra_environ)
        if not self.app.try_answer(headers.parsed, path.decode("latin-1"), query, extra_environ, callback):
            return False
        self._pending_data = b""
        return True

    def _finish_fast_path(self, data: bytes, headers: "_Headers", extra_environ: dict[str, Any], answer: Any) -> None:
        pending, self._pending_data = self._pending_data, None
        if self.transport.is_closing():
            return
        if answer is None:
            self._extra_environ = extra_environ
            super().data_received(data)
            self._extra_environ = None
            if self._is_shutting_down:
                super().shutdown()
        else:
            self._write_answer(answer, keep_alive=headers.keep_alive and not self._is_shutting_down)
        if pending and not self.transport.is_closing():
            self.flow.resume_reading()
            self.data_received(pending)

    def _write_answer(self, answer: Any, *, keep_alive: bool) -> None:
        defaults = _serialize(tuple(self.server_state.default_headers))
        end = b"\r\n" if keep_alive else b"connection: close\r\n\r\n"
        response = b"".join([STATUS_LINE[200], defaults, *answer.http1_headers(), end, answer.body])
        self.transport.write_now(response)  # type: ignore[attr-defined]  # a CoalescingTransport
        self.server_state.total_requests += 1
        if not keep_alive:
            self.transport.close()
            return
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._schedule_timeout(self.timeout_keep_alive)

    # Requests that httptools parses, for Django

    def on_message_begin(self) -> None:
        self._in_message = True
        super().on_message_begin()

    def on_message_complete(self) -> None:
        self._in_message = False
        super().on_message_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if self._has_lane and app is self.app:
            app = partial(app.bridge, extra_environ=self._extra_environ or {})
        super()._start_asgi_task(cycle, app)

    # uvicorn makes a timer for each response, and cancels it at the next request. Here one timer stays for the life of
    # the connection, and compares `_idle_since` with the clock when it is due.

    def _unset_keepalive_if_required(self) -> None:
        """Do nothing: data_received() resets `_idle_since` instead."""

    def on_response_complete(self) -> None:
        is_idle = not self.pipeline
        if self.pipeline or self.timeout_keep_alive_task is None or self.transport.is_closing():
            super().on_response_complete()
            if self.pipeline:  # uvicorn resumes reading, and would buffer without bound what a client sends
                self.flow.pause_reading()
        else:
            self.server_state.total_requests += 1
            self.flow.resume_reading()
        if is_idle:
            self._idle_since = self.loop.time()

    def timeout_keep_alive_handler(self) -> None:
        left_s = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left_s <= 0:
            super().timeout_keep_alive_handler()
        else:
            self._schedule_timeout(min(left_s, self.timeout_keep_alive))

    def _schedule_timeout(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)


class _Headers(NamedTuple):
    """The headers of a request as the lane has parsed them, and whether the connection is kept alive."""

    parsed: Any
    keep_alive: bool


@lru_cache(maxsize=MAX_CACHED)
def _parse_headers(app: Any, scheme: str, lines: bytes) -> _Headers | None:
    """Parse the lines after a request line; return None unless they are complete, without a body, and for the lane."""
    if lines.find(b"\r\n\r\n") != len(lines) - 4:
        return None
    request = _RequestParser()
    try:
        request.parser.feed_data(b"GET / HTTP/1.1\r\n" + lines)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):
        return None
    parsed = app.parse_headers(scheme, tuple(request.headers))
    return None if parsed is None or not request.is_complete else _Headers(parsed, request.keep_alive)


class _RequestParser:
    """Collects what httptools calls back."""

    is_complete = False

    def __init__(self) -> None:
        self.parser = httptools.HttpRequestParser(self)
        self.headers: list[tuple[bytes, bytes]] = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self.keep_alive = self.parser.should_keep_alive()

    def on_message_complete(self) -> None:
        self.is_complete = True


@lru_cache(maxsize=8)
def _serialize(headers: tuple[tuple[bytes, bytes], ...]) -> bytes:
    return b"".join(b"%b: %b\r\n" % header for header in headers)
