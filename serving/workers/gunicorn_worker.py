"""gunicorn's worker for `config.asgi`: uvicorn with httptools, on uvloop, and with acceptors of the project's own.

libuv itself accepts one connection per turn of the loop, so that of many clients the late ones starve.
"""

import asyncio
import socket
import sys
from functools import partial
from typing import Any

import uvicorn
from gunicorn.arbiter import Arbiter
from uvicorn_worker import UvicornWorker

from serving.accepting.acceptor import Acceptor
from serving.accepting.connection_shares import ConnectionShare, ConnectionShares
from serving.http.protocol import Protocol

SLOTS = ConnectionShares()
LAST_REQUESTS_S = 0.1  # for which a worker that ends waits for those who have just connected


class Server(uvicorn.Server):
    """Accepts connections by acceptors of the project's own; all else is uvicorn's."""

    def __init__(self, config: uvicorn.Config, slot: ConnectionShare) -> None:
        super().__init__(config)
        self._slot = slot
        self._acceptors: list[Acceptor] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=[])
        state = {"server_state": self.server_state, "app_state": self.lifespan.state}
        protocol = partial(Protocol, slot=self._slot, config=self.config, **state)
        self._acceptors = [Acceptor(sock, protocol, self._slot, self.config.ssl) for sock in sockets or []]

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for acceptor in self._acceptors:
            acceptor.close()
        await asyncio.sleep(LAST_REQUESTS_S)  # what is idle then, uvicorn closes
        await super().shutdown(sockets)


class Worker(UvicornWorker):
    CONFIG_KWARGS: dict[str, Any] = {
        "loop": "uvloop",
        "ws": "none",
        "lifespan": "off",
        "proxy_headers": False,  # who the client is, is for the settings PROXIES and HTTPS to say
        "server_header": False,
    }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.slot = SLOTS.allot()

    async def _serve(self) -> None:
        self.config.app = self.wsgi
        server = Server(self.config, self.slot)
        self._install_sigquit_handler()
        await server.serve(sockets=self.sockets)
        if not server.started:
            sys.exit(Arbiter.WORKER_BOOT_ERROR)

    def gone(self) -> None:
        """In the master, after the process."""
        SLOTS.free(self.slot)
