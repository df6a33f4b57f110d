"""Network links between processes and servers of a test, which it cuts, slows down and breaks while they are used.

A link is a TCP proxy. All links of a test are served by one event loop in a thread.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import uvloop

HOST = "127.0.0.1"
RECEIVE_BYTES = 1 << 16
COMMIT = b"COMMIT"


class Link:
    """A link to a port of this machine; the attributes may be set at any time, from any thread."""

    def __init__(self, target_port: int, run: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        self._target_port, self._run = target_port, run
        self.delay_s = 0.0
        """How long the bytes take in each direction."""
        self.commit_delay_s = 0.0
        """How long a COMMIT waits before it is passed on."""
        self.loses_commit_answers = False
        """Whether connections break after a COMMIT was passed on, before it is answered."""
        self._open = asyncio.Event()
        self._open.set()
        self._connections: set[asyncio.StreamWriter] = set()
        self._server = run(asyncio.start_server(self._accept, HOST, 0))
        self.port: int = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Let nothing through, in both directions: bytes wait, as TCP sends them again once the network is back."""
        self._run(_call(self._open.clear))

    def heal(self) -> None:
        """End a cut; what has waited arrives."""
        self._run(_call(self._open.set))

    def reset(self) -> None:
        """Break all connections; new ones are accepted."""
        self._run(_call(self._abort_all))

    @contextmanager
    def broken(self) -> Iterator[None]:
        """Cut the link during the block."""
        self.cut()
        try:
            yield
        finally:
            self.heal()

    def close(self) -> None:
        self._run(_call(self._server.close))
        self.reset()

    def _abort_all(self) -> None:
        for each in self._connections:
            each.transport.abort()

    async def _accept(self, near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        try:
            await self._open.wait()
            far_in, far_out = await asyncio.open_connection(HOST, self._target_port)
        except OSError:
            near_out.transport.abort()
            return
        both = {near_out, far_out}
        self._connections |= both
        try:
            upward = asyncio.ensure_future(self._pass_up(near_in, far_out))
            downward = asyncio.ensure_future(self._pass(far_in, near_out))
            await asyncio.wait([upward, downward], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (upward, downward):
                task.cancel()
            for each in both:
                with contextlib.suppress(OSError):
                    each.close()
            self._connections -= both

    async def _pass_up(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(RECEIVE_BYTES):
            is_commit = COMMIT in data
            if is_commit and self.commit_delay_s:
                await asyncio.sleep(self.commit_delay_s)
            loses_answer = is_commit and self.loses_commit_answers
            await self._send(data, sink)
            if loses_answer:
                return

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(RECEIVE_BYTES):
            await self._send(data, sink)

    async def _send(self, data: bytes, sink: asyncio.StreamWriter) -> None:
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        await self._open.wait()
        sink.write(data)
        await sink.drain()


async def _call(function: Callable[[], None]) -> None:
    function()


class Network:
    """The links of a test, and the thread that serves them."""

    def __init__(self) -> None:
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="network", daemon=True)
        self._thread.start()
        self._links: list[Link] = []

    def link(self, port: int) -> Link:
        """Return a new link to a port of this machine."""
        self._links.append(Link(port, self._run))
        return self._links[-1]

    def close(self) -> None:
        for link in self._links:
            link.heal()
            link.close()
        self._run(asyncio.sleep(0.05))  # the ends of the connections
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)
