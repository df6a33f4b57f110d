"""HTTP/1 for the application under uvicorn: httptools' protocol, and a way around it for what the hot lane answers."""

import asyncio
from functools import lru_cache, partial
from math import inf
from typing import Any, NamedTuple

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from serving.accepting.connection_shares import ConnectionShare
from serving.http.transport import CoalescingTransport

REMEMBERED = 10_000  # heads of requests, mostly of half a kilobyte each
LONGEST_BYTES = 2048  # of a request that the lane is asked for


class Protocol(HttpToolsProtocol):
    """A request that comes alone and in one piece is first given to the hot lane: of its head, only the first line is
    read anew, since a client repeats the others. Its answer is written as it is."""

    _in_message = False
    _ends = False
    _later: bytes | None = None  # what came while the lane was at work
    _counted: dict[str, Any] | None = None
    _idle_from = inf

    def __init__(self, *, slot: ConnectionShare, **options: Any) -> None:
        super().__init__(**options)
        self._slot = slot
        self._has_lane = hasattr(self.app, "attempt") and not self.access_log and not self.root_path

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(CoalescingTransport(transport, self.loop))

    def connection_lost(self, exc: Exception | None) -> None:
        self._slot.add(-1)
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._idle_from = inf
        if self._later is not None:
            self._later += data
            self.flow.pause_reading()
        elif not self._attempts(data):
            super().data_received(data)

    def shutdown(self) -> None:
        self._ends = True
        if self._later is None:
            super().shutdown()

    # The way around

    def _attempts(self, data: bytes) -> bool:
        """Whether the lane has begun to answer this."""
        is_busy = self._in_message or (self.cycle is not None and not self.cycle.response_complete)
        if is_busy or not self._has_lane or self.flow.write_paused or len(data) > LONGEST_BYTES:
            return False
        line, _, lines = data.partition(b"\r\n")
        if not (line.startswith(b"GET /") and line.endswith(b" HTTP/1.1")):
            return False
        head = _head(self.app, self.scheme, lines)
        if head is None:
            return False
        path, _, query = line[4:-9].partition(b"?")
        counted: dict[str, Any] = {}
        done = partial(self._attempted, data, head, counted)
        if not self.app.attempt(head.said, path.decode("latin-1"), query, counted, done):
            return False
        self._later = b""
        return True

    def _attempted(self, data: bytes, head: "_Head", counted: dict[str, Any], answer: Any) -> None:
        later, self._later = self._later, None
        if self.transport.is_closing():
            return
        if answer is None:
            self._counted = counted
            super().data_received(data)
            self._counted = None
            if self._ends:
                super().shutdown()
        else:
            self._answer(answer, keep_alive=head.keep_alive and not self._ends)
        if later and not self.transport.is_closing():
            self.flow.resume_reading()
            self.data_received(later)

    def _answer(self, answer: Any, *, keep_alive: bool) -> None:
        usual = _lines(tuple(self.server_state.default_headers))
        end = b"\r\n" if keep_alive else b"connection: close\r\n\r\n"
        self.transport.write_now(b"".join([STATUS_LINE[200], usual, *answer.lines(), end, answer.body]))
        self.server_state.total_requests += 1
        if not keep_alive:
            self.transport.close()
            return
        self._idle_from = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._watch(self.timeout_keep_alive)

    # httptools' way, to Django

    def on_message_begin(self) -> None:
        self._in_message = True
        super().on_message_begin()

    def on_message_complete(self) -> None:
        self._in_message = False
        super().on_message_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if self._has_lane and app is self.app:
            app = partial(app.bridge, extra=self._counted or {})
        super()._start_asgi_task(cycle, app)

    # uvicorn makes a timer for each answer, and cancels it at the next request. Ours stays, and looks when it is due.

    def _unset_keepalive_if_required(self) -> None:
        """There is one timer, and `_idle_from`."""

    def on_response_complete(self) -> None:
        is_idle = not self.pipeline
        if self.pipeline or self.timeout_keep_alive_task is None or self.transport.is_closing():
            super().on_response_complete()
            if self.pipeline:  # uvicorn reads on, and would keep whatever a client sends that never waits
                self.flow.pause_reading()
        else:
            self.server_state.total_requests += 1
            self.flow.resume_reading()
        if is_idle:
            self._idle_from = self.loop.time()

    def timeout_keep_alive_handler(self) -> None:
        left_s = self._idle_from + self.timeout_keep_alive - self.loop.time()
        if left_s <= 0:
            super().timeout_keep_alive_handler()
        else:
            self._watch(min(left_s, self.timeout_keep_alive))

    def _watch(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)


class _Head(NamedTuple):
    """What the lines say that come after a request's first: `said` is for the lane."""

    said: Any
    keep_alive: bool


@lru_cache(maxsize=REMEMBERED)
def _head(app: Any, scheme: str, lines: bytes) -> _Head | None:
    """None if they are not a whole head and nothing else, or if it is nothing for the lane."""
    if lines.find(b"\r\n\r\n") != len(lines) - 4:
        return None
    found = _Found()
    try:
        found.parser.feed_data(b"GET / HTTP/1.1\r\n" + lines)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):
        return None
    said = app.said(scheme, tuple(found.headers))
    return None if said is None or not found.is_complete else _Head(said, found.keep_alive)


class _Found:
    """What httptools finds."""

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
def _lines(headers: tuple[tuple[bytes, bytes], ...]) -> bytes:
    return b"".join(b"%b: %b\r\n" % header for header in headers)
