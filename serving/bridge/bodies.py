"""Receiving the body of a request before a thread is taken: within deadlines, and within a limit for all bodies."""

import asyncio
from collections.abc import Awaitable, Callable
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig

from serving.bridge.deadlines import expire
from serving.bridge.environ import Environ
from serving.requests.limits import BODY_PROGRESS_TIMEOUT_S, MAX_DISCARDED_RATIO, SERVER_BUFFER_BYTES, body_deadline_s
from serving.requests.memory_budget import MemoryBudget, MemoryShare
from serving.requests.refusals import request_timeout, too_busy

Receive = Callable[[], Awaitable[dict[str, Any]]]


class RefusedBody:
    """A request's body that was discarded; Django refuses the request by Content-Length, or when it reads the body."""

    def read(self, size: int = -1) -> bytes:
        raise RequestDataTooBig("The body is longer than DATA_UPLOAD_MAX_MEMORY_SIZE.")

    readline = read


class BodyReceiver:
    """Receives one request's body, which counts in the budget until close()."""

    def __init__(self, budget: MemoryBudget, receive: Receive) -> None:
        self._budget, self._receive = budget, receive
        self._deadline = asyncio.timeout(None)
        self._share: MemoryShare | None = None

    async def read(self, environ: Environ) -> Any:
        """Return the whole body as a file; an empty one for requests without Content-Length.

        Raise ConnectionResetError if the client disconnects before the body is complete, and Refusal if it does not
        arrive in time, or has to make way for other bodies.
        """
        length, limit = int(environ.get("CONTENT_LENGTH") or 0), settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        if length == 0:
            return BytesIO()
        if limit is None or length <= limit:
            body = BytesIO()
            self._share = self._budget.share(self._give_up)
            await self._receive_in_time(length, body.write)
            self._share.keep()
            body.seek(0)
            return body
        if length <= MAX_DISCARDED_RATIO * limit and "HTTP_EXPECT" not in environ:
            await self._receive_in_time(length, len)
        return RefusedBody()

    def close(self) -> None:
        """Release the bytes of the body in the budget."""
        if self._share is not None:
            self._share.close()

    def _give_up(self) -> None:
        expire(self._deadline)

    async def _receive_in_time(self, length: int, consume: Callable[[bytes], int]) -> None:
        try:
            async with self._deadline:
                await self._receive_all(length, consume)
        except TimeoutError:
            raise self._refusal() from None

    async def _receive_all(self, length: int, consume: Callable[[bytes], int]) -> None:
        now_s = asyncio.get_running_loop().time
        last_s = now_s() + body_deadline_s(length)
        if self._share is not None and length > SERVER_BUFFER_BYTES and not self._share.add(SERVER_BUFFER_BYTES):
            raise self._refusal()
        while length > 0:
            self._deadline.reschedule(min(now_s() + BODY_PROGRESS_TIMEOUT_S, last_s))
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ConnectionResetError
            part = message.get("body", b"")
            if self._share is not None and not self._share.add(len(part)):
                raise self._refusal()
            length -= consume(part)
            if not message.get("more_body"):
                break

    def _refusal(self) -> Exception:
        is_abandoned = self._share is not None and self._share.is_abandoned
        return too_busy() if is_abandoned else request_timeout()
