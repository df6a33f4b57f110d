"""A client that speaks ASGI to the bridge, and WSGI applications for it."""

import asyncio
import threading

from tests.support.asgi_server import scope_of

CHUNK = 1 << 20


class Streamed:
    """A streamed WSGI response; it records how many chunks were `taken` and whether it was `closed`."""

    streaming = True

    def __init__(self, chunks: int) -> None:
        self.chunks, self.taken, self.closed = chunks, 0, threading.Event()
        self.threads: set[int] = set()

    def __iter__(self):
        for _ in range(self.chunks):
            self.taken += 1
            self.threads.add(threading.get_ident())
            yield b"x" * CHUNK

    def close(self) -> None:
        self.threads.add(threading.get_ident())
        self.closed.set()


def answering(answer):
    def wsgi(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return answer(environ)

    return wsgi


class Client:
    """An ASGI client that sends `parts` of a body, receives messages, and disconnects when `leave` is set."""

    def __init__(self, *parts: bytes) -> None:
        self._parts = list(parts)
        self.whole = True
        self.leave = asyncio.Event()
        self.messages: list[dict] = []
        self.slow_s = 0.0

    async def receive(self):
        if self._parts:
            part = self._parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(self._parts) or not self.whole}
        await self.leave.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        await asyncio.sleep(self.slow_s)
        self.messages.append(message)

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages)


def ask(bridge, client, method="GET", **headers):
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return bridge(scope_of("/x", method, named), client.receive, client.send)
