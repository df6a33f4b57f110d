"""gunicorn's worker for `config.asgi`: uvicorn with httptools, on asyncio's own event loop.

Not on uvloop: libuv accepts one connection per turn of the loop, so that of many clients the late ones starve.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn_worker import UvicornWorker


class Joined:
    """A transport whose writes of one turn of the loop leave together: a system call for each answer, not for its head
    and its body."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._leaving: list[bytes] = []

    def write(self, data: bytes) -> None:
        if not self._leaving:
            self._loop.call_soon(self._flush)
        self._leaving.append(data)

    def _flush(self) -> None:
        if self._leaving:
            self._transport.write(b"".join(self._leaving))
            self._leaving.clear()

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class Protocol(HttpToolsProtocol):
    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(Joined(transport, self.loop))


class Worker(UvicornWorker):
    CONFIG_KWARGS: dict[str, Any] = {
        "loop": "asyncio",
        "http": Protocol,
        "ws": "none",
        "lifespan": "off",
        "proxy_headers": False,  # who the client is, is for the settings PROXIES and HTTPS to say
        "server_header": False,
    }
