"""Sending a response that is made in pieces: a thread makes each, and none is held while the client reads it."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

from serving.bridge.bodies import Receive
from serving.bridge.deadlines import expire
from serving.bridge.responses import PIECE_BYTES, Send
from serving.bridge.threads import ThreadPool
from serving.requests.limits import SERVER_BUFFER_BYTES, WRITE_TIMEOUT_S
from serving.requests.memory_budget import MemoryBudget, MemoryShare

MADE_BYTES = 64 << 10
"""About how much a thread makes at a time."""


class PiecewiseResponse(NamedTuple):
    """A response whose parts any thread may make, one after the other; `content` has a close()."""

    status: int
    headers: list[tuple[bytes, bytes]]
    content: Any


def is_piecewise(content: Any) -> bool:
    """Return whether a WSGI application says of its response that any thread may make its parts."""
    return bool(getattr(content, "is_piecewise", False))


class PiecewiseSender:
    """Sends responses in pieces; what waits for clients counts in the budget."""

    def __init__(self, budget: MemoryBudget, threads: ThreadPool) -> None:
        self._budget, self._threads = budget, threads

    async def send(self, response: PiecewiseResponse, receive: Receive, send: Send) -> None:
        """Send a response. If its client leaves or does not read, or if an error occurs, leave it incomplete, so that
        the server disconnects; raise the error."""
        sending = _Sending(self._budget, response, send)
        gone = asyncio.ensure_future(_disconnection(receive))
        try:
            with suppress(TimeoutError):
                await self._send_all(sending, gone)
        finally:
            gone.cancel()
            sending.share.close()
            if sending.making is not None and not sending.making.done():
                await asyncio.wait([sending.making])
            close = getattr(response.content, "close", None)
            if close is not None:
                await self._threads.run(close)

    async def _send_all(self, sending: "_Sending", gone: "asyncio.Future[None]") -> None:
        parts = iter(sending.response.content)
        await sending.begin()
        while not gone.done():
            sending.making = self._threads.run(_make, parts)
            made = await asyncio.shield(sending.making)
            await sending.send_part(made or b"", more=made is not None)
            if made is None:
                return


class _Sending:
    """A response that is being sent."""

    making: "asyncio.Future[bytes | None] | None" = None
    _deadline: asyncio.Timeout | None = None

    def __init__(self, budget: MemoryBudget, response: PiecewiseResponse, send: Send) -> None:
        self.response, self._send = response, send
        self.share: MemoryShare = budget.share(self._give_up)

    async def begin(self) -> None:
        if not self.share.add(SERVER_BUFFER_BYTES + MADE_BYTES):
            raise TimeoutError
        start = {"type": "http.response.start", "status": self.response.status, "headers": self.response.headers}
        await self._send_in_time(start)

    async def send_part(self, part: bytes, *, more: bool) -> None:
        """Send a part in pieces; raise TimeoutError if the client does not read."""
        for begin in range(0, max(len(part), 1), PIECE_BYTES):
            end = begin + PIECE_BYTES
            await self._send_in_time(
                {"type": "http.response.body", "body": part[begin:end], "more_body": more or end < len(part)}
            )

    async def _send_in_time(self, message: dict[str, Any]) -> None:
        if self.share.is_abandoned:
            raise TimeoutError
        try:
            async with asyncio.timeout(WRITE_TIMEOUT_S) as self._deadline:
                await self._send(message)
        finally:
            self._deadline = None

    def _give_up(self) -> None:
        if self._deadline is not None:
            expire(self._deadline)


def _make(parts: Iterator[bytes]) -> bytes | None:
    """Return the next parts, together about MADE_BYTES; None at the end."""
    made, length = [], 0
    for part in parts:
        made.append(part)
        length += len(part)
        if length >= MADE_BYTES:
            break
    return b"".join(made) if made else None


async def _disconnection(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
