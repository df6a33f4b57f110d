"""HTTP/1 for the application under uvicorn: httptools' protocol, but for what costs more than a hit of the hot lane."""

import asyncio
from functools import cache, lru_cache, partial
from math import inf
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from config.accepting import Slot


class Protocol(HttpToolsProtocol):
    """Asks the hot lane first, without a coroutine and its task; what it answers is written as it is."""

    _idle_from = inf

    def __init__(self, *, slot: Slot, **options: Any) -> None:
        super().__init__(**options)
        self._slot = slot

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(Joined(transport, _outbox_of(self.loop)))

    def connection_lost(self, exc: Exception | None) -> None:
        self._slot.add(-1)
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
        super().connection_lost(exc)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if not hasattr(app, "attempt") or self.access_log or self.flow.write_paused:
            super()._start_asgi_task(cycle, app)
            return
        counted: dict[str, Any] = {}
        if not app.attempt(cycle.scope, counted, partial(self._attempted, cycle, counted)):
            super()._start_asgi_task(cycle, app.bridge)

    def _attempted(self, cycle: RequestResponseCycle, counted: dict[str, Any], answer: Any) -> None:
        if answer is None:
            super()._start_asgi_task(cycle, partial(self.app.bridge, extra=counted))
            return
        if cycle.disconnected:
            return
        parts = [STATUS_LINE[200], _lines(tuple(self.server_state.default_headers)), answer.lines()]
        parts += [b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n", answer.body]
        self.transport.write(b"".join(parts))
        cycle.response_started = cycle.response_complete = True
        if not cycle.keep_alive:
            self.transport.close()
        cycle.on_response()

    # uvicorn makes a timer for each answer, and cancels it at the next request. Ours stays, and looks when it is due.

    def _unset_keepalive_if_required(self) -> None:
        self._idle_from = inf

    def on_response_complete(self) -> None:
        if self.pipeline or self.timeout_keep_alive_task is None or self.transport.is_closing():
            is_idle = not self.pipeline
            super().on_response_complete()
            if self.pipeline:  # uvicorn reads on, and would keep whatever a client sends that never waits
                self.flow.pause_reading()
        else:
            is_idle = True
            self.server_state.total_requests += 1
            self.flow.resume_reading()
        if is_idle:
            self._idle_from = self.loop.time()

    def timeout_keep_alive_handler(self) -> None:
        left_s = self._idle_from + self.timeout_keep_alive - self.loop.time()
        if left_s <= 0:
            super().timeout_keep_alive_handler()
        else:
            left_s = min(left_s, self.timeout_keep_alive)
            self.timeout_keep_alive_task = self.loop.call_later(left_s, self.timeout_keep_alive_handler)


@lru_cache(maxsize=8)
def _lines(headers: tuple[tuple[bytes, bytes], ...]) -> bytes:
    return b"".join(b"%b: %b\r\n" % header for header in headers)


class Joined:
    """A transport whose writes of one turn of the loop leave together: a system call for each answer, not for its head
    and its body."""

    def __init__(self, transport: asyncio.Transport, outbox: "Outbox") -> None:
        self._transport = transport
        self._outbox = outbox
        self._leaving: list[bytes] = []

    def write(self, data: bytes) -> None:
        if not self._leaving:
            self._outbox.put(self)
        self._leaving.append(data)

    def flush(self) -> None:
        if self._leaving:
            self._transport.write(b"".join(self._leaving))
            self._leaving.clear()

    def close(self) -> None:
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class Outbox:
    """Who has something to write at the end of this turn of the loop. One after the other, the first may wake up a
    client that then finds more to do; written as they come, each would wake it up."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: list[Joined] = []

    def put(self, transport: Joined) -> None:
        if not self._waiting:
            self._loop.call_soon(self._flush)
        self._waiting.append(transport)

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        for transport in waiting:
            transport.flush()


_outbox_of = cache(Outbox)
