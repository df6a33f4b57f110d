"""gunicorn's worker for `config.asgi`: uvicorn with httptools on uvloop, and the project's own acceptors.

libuv itself accepts one connection per turn of the event loop, so that of many new clients the last ones wait long.
"""

import asyncio
import socket
import sys
from functools import partial
from typing import Any

import uvicorn
from django.conf import settings
from gunicorn.arbiter import Arbiter
from uvicorn_worker import UvicornWorker

from serving import lifecycle
from serving.accepting.acceptor import Acceptor
from serving.accepting.connection_shares import ConnectionShare, ConnectionShares
from serving.http.protocol import Protocol

SHARES = ConnectionShares()
FIRST_REQUEST_S = 0.1  # time for clients that have just connected to send a request, before a worker ends


class Server(uvicorn.Server):
    """uvicorn's server, except that the project's acceptors accept its connections."""

    def __init__(self, config: uvicorn.Config, share: ConnectionShare) -> None:
        super().__init__(config)
        self._share = share
        self._acceptors: list[Acceptor] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=[])
        state = {"server_state": self.server_state, "app_state": self.lifespan.state}
        protocol = partial(Protocol, share=self._share, config=self.config, **state)
        self._acceptors = [Acceptor(sock, protocol, self._share, self.config.ssl) for sock in sockets or []]

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain, then close idle connections and wait for running requests."""
        if not lifecycle.is_stopping():  # else new clients are answered, until their load balancer has noticed
            self._stop_accepting()
        await self._drain()
        self._stop_accepting()
        await asyncio.sleep(FIRST_REQUEST_S)
        await super().shutdown()

    async def _drain(self) -> None:
        """Give clients WEB_DRAIN_S seconds to meet an answer that says `connection: close`, and to leave."""
        self.config.encoded_headers.append((b"connection", b"close"))  # on_tick() puts them into all answers
        loop = asyncio.get_running_loop()
        end = loop.time() + settings.WEB_DRAIN_S
        while loop.time() < end and (self.server_state.connections or lifecycle.is_stopping()):
            await self.on_tick(0)  # the Date header, and the heartbeat for the master
            await asyncio.sleep(0.1)

    def _stop_accepting(self) -> None:
        for acceptor in self._acceptors:
            acceptor.close(accept_waiting=lifecycle.is_stopping())
        self._acceptors = []


class Worker(UvicornWorker):  # type: ignore[misc]  # uvicorn_worker has no types
    """A worker process; created in the master, before the fork."""

    CONFIG_KWARGS: dict[str, Any] = {
        "loop": "uvloop",
        "ws": "none",
        "lifespan": "off",
        "proxy_headers": False,  # the settings PROXIES and HTTPS decide who the client is
        "server_header": False,
    }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.share = SHARES.allocate()

    async def _serve(self) -> None:
        self.config.app = self.wsgi
        server = Server(self.config, self.share)
        self._install_sigquit_handler()
        await server.serve(sockets=self.sockets)
        if not server.started:
            sys.exit(Arbiter.WORKER_BOOT_ERROR)

    def release_share(self) -> None:
        """Release the worker's share of connections; called in the master after the process has ended."""
        SHARES.release(self.share)
