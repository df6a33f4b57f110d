"""A transport that sends what is written within one turn of the event loop in one system call."""

import asyncio
from typing import Any


class CoalescingTransport:
    """Wraps a transport, and joins the writes of one turn of the event loop, such as a response's head and body."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._buffer: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Send data at the end of this turn of the event loop."""
        if not self._buffer:
            self._loop.call_soon(self._flush)
        self._buffer.append(data)

    def write_now(self, data: bytes) -> None:
        """Send data at once, after the data that was written before."""
        self._flush()
        self._transport.write(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        buffer, self._buffer = self._buffer, []
        if buffer and not self._transport.is_closing():  # uvloop's transport would raise
            self._transport.write(b"".join(buffer))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
