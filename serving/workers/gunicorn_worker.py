"""gunicorn's worker for `config.asgi`: the project's own acceptors and connections on uvloop."""

import asyncio
import os
import signal
from functools import partial
from typing import Any

import uvloop
from django.conf import settings
from gunicorn.sock import ssl_context
from gunicorn.workers import base

from serving import lifecycle
from serving.accepting.acceptor import Acceptor
from serving.accepting.connection_shares import ConnectionShares
from serving.http.connection import Connection
from serving.http.connections import Connections
from serving.workers import orphans

SHARES = ConnectionShares()
TICK_S = 1
FIRST_REQUEST_S = 0.1  # time for clients that have just connected to send a request, before a worker ends


class Worker(base.Worker):  # type: ignore[misc]  # gunicorn has no types
    """A worker process; created in the master, before the fork."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.share = SHARES.allocate()

    def init_signals(self) -> None:
        """Handle signals as the event loop needs it: run() adds those that end the worker."""
        for number in self.SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGUSR1, self.handle_usr1)
        signal.siginterrupt(signal.SIGUSR1, False)

    def run(self) -> None:
        """Serve until a signal, or the end of the master."""
        uvloop.run(self._serve())

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            loop.add_signal_handler(number, self._stop)
        connections = Connections(
            self.wsgi,
            keep_alive_s=self.cfg.keepalive,
            max_connections=self.cfg.worker_connections,
            share=self.share,
        )
        tls = ssl_context(self.cfg) if self.cfg.is_ssl else None
        protocol = partial(Connection, connections)
        acceptors = [
            Acceptor(sock, protocol, self.share, make_room=connections.evict, tls=tls) for sock in self.sockets
        ]
        ticks = loop.create_task(self._tick(connections))
        while self.alive:
            await asyncio.sleep(0.1)
        await self._drain(connections, acceptors)
        ticks.cancel()

    def _stop(self) -> None:
        self.alive = False

    async def _tick(self, connections: Connections) -> None:
        while True:
            self.notify()
            connections.tick()
            if self.ppid != os.getppid() or connections.server_state.total_requests >= self.max_requests:
                self._stop()
            await asyncio.sleep(TICK_S)

    async def _drain(self, connections: Connections, acceptors: list[Acceptor]) -> None:
        """Let clients leave by themselves, then close idle connections, then wait for requests in progress.

        Do not wait for clients if the main process was killed: another one is about to start.
        """
        connections.draining = True
        is_stopping, is_orphan = lifecycle.is_stopping(), orphans.is_orphan(self)
        if is_stopping:  # new clients are answered until their load balancer has noticed
            await asyncio.sleep(settings.WEB_DRAIN_S)
        for acceptor in acceptors:
            acceptor.close(accept_waiting=is_stopping)
        await asyncio.sleep(FIRST_REQUEST_S)
        if not (is_stopping or is_orphan):
            await _until_closed(connections, settings.WEB_DRAIN_S)
        connections.close_idle()
        await _until_closed(connections, self.cfg.graceful_timeout)

    def release_share(self) -> None:
        """Release the worker's share of connections; called in the master after the process has ended."""
        SHARES.release(self.share)


async def _until_closed(connections: Connections, timeout_s: float) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    while connections and loop.time() < deadline:
        await asyncio.sleep(0.05)
