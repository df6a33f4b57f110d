"""Sending a complete response, long ones in pieces at the speed of the client."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, NamedTuple

from serving.bridge.deadlines import expire
from serving.requests.limits import SERVER_BUFFER_BYTES, WRITE_TIMEOUT_S
from serving.requests.memory_budget import MemoryBudget, MemoryShare

PIECE_BYTES = 16 << 10  # servers buffer some pieces, whatever their length, before they wait for the client
MAX_WHOLE_BYTES = 16 << 10

Send = Callable[[dict[str, Any]], Awaitable[None]]


class Response(NamedTuple):
    """A complete response, or the beginning of a streamed one."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class ResponseSender:
    """Sends responses; those longer than MAX_WHOLE_BYTES count in the budget until they have been sent."""

    def __init__(self, budget: MemoryBudget) -> None:
        self._budget = budget

    async def send(self, response: Response, send: Send) -> None:
        """Send a response; if the client does not read it, leave it incomplete, so that the server disconnects."""
        if len(response.body) > MAX_WHOLE_BYTES:
            await self._send_in_pieces(response, send)
        else:
            await send(_start(response))
            await send({"type": "http.response.body", "body": response.body})

    async def _send_in_pieces(self, response: Response, send: Send) -> None:
        deadline = asyncio.timeout(None)
        share = self._budget.share(lambda: expire(deadline))
        try:
            with suppress(TimeoutError):
                async with deadline:
                    if share.add(len(response.body) + SERVER_BUFFER_BYTES):
                        await _send_pieces(response, send, deadline, share)
        finally:
            share.close()


async def _send_pieces(response: Response, send: Send, deadline: asyncio.Timeout, share: MemoryShare) -> None:
    now_s, body = asyncio.get_running_loop().time, response.body
    deadline.reschedule(now_s() + WRITE_TIMEOUT_S)
    await send(_start(response))  # waits until the client has read enough of the response before
    for begin in range(0, len(body), PIECE_BYTES):
        if share.is_abandoned:
            return
        deadline.reschedule(now_s() + WRITE_TIMEOUT_S)
        end = begin + PIECE_BYTES
        await send({"type": "http.response.body", "body": body[begin:end], "more_body": end < len(body)})


def _start(response: Response) -> dict[str, Any]:
    return {"type": "http.response.start", "status": response.status, "headers": response.headers}
