"""The transport that uvicorn's protocol gets for a connection."""

import asyncio
from collections.abc import Callable
from typing import Any

MAX_JOINED_BYTES = 16 << 10  # longer data is written at once, so that the writer learns whether the client reads


class ProtocolTransport:
    """Wraps a transport: joins the short writes of one turn of the event loop, such as a response's head and body.

    `on_close` is called instead of closing the transport.
    """

    def __init__(self, transport: asyncio.Transport, on_close: Callable[[], None]) -> None:
        self._transport, self._on_close = transport, on_close
        self._loop = asyncio.get_running_loop()
        self._buffer: list[bytes] = []
        self.is_closed = False
        """Whether nothing more is sent, although the transport may still be open."""

    def write(self, data: bytes) -> None:
        """Send data at the end of this turn of the event loop, long data at once."""
        if self.is_closed:
            return
        if not self._buffer:
            self._loop.call_soon(self.flush)
        self._buffer.append(data)
        if len(data) >= MAX_JOINED_BYTES:
            self.flush()

    def is_closing(self) -> bool:
        return self.is_closed or self._transport.is_closing()

    def close(self) -> None:
        self._on_close()

    def flush(self) -> None:
        """Send at once what was written before."""
        buffer, self._buffer = self._buffer, []
        if buffer and not self._transport.is_closing():  # uvloop's transport would raise
            self._transport.write(b"".join(buffer))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
