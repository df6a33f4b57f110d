"""A transport that sends what is written within one turn of the event loop in one system call."""

import asyncio
from typing import Any


class CoalescingTransport:
    """A transport whose writes of one turn of the loop leave together: a system call for each answer, not for its head
    and its body."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._leaving: list[bytes] = []

    def write(self, data: bytes) -> None:
        if not self._leaving:
            self._loop.call_soon(self._flush)
        self._leaving.append(data)

    def write_now(self, data: bytes) -> None:
        self._flush()
        self._transport.write(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        leaving, self._leaving = self._leaving, []
        if leaving and not self._transport.is_closing():  # uvloop's would raise
            self._transport.write(b"".join(leaving))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
