"""Django's ordinary WSGI handler under an ASGI server.

A request takes one of a bounded number of threads when its body is all there, and gives it back when its answer is:
slow clients hold none. (What is longer than WHOLE_BYTES is streamed by its thread, as the client takes it.)
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from io import BytesIO
from types import MappingProxyType
from typing import Any, NamedTuple

from django.conf import settings
from django.core.exceptions import RequestDataTooBig

from serving.bridge.environ import Environ, Scope, environ_of
from serving.bridge.threads import Threads

WHOLE_BYTES = 2 << 20
# A client that is answered while it is still sending may never read the answer. So a body that is refused is taken,
# and thrown away, up to so many times the size that is allowed.
DRAINED = 10

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Reply(NamedTuple):
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Bridge:
    def __init__(self, wsgi: Callable[..., Iterable[bytes]], threads: int) -> None:
        self._wsgi = wsgi
        self._threads = Threads(threads)

    async def __call__(self, scope: Scope, receive: Receive, send: Send, extra: Mapping[str, Any] = _NOTHING) -> None:
        """`extra` is added to the environ: names that no header can have."""
        environ = environ_of(scope)
        environ.update(extra)
        try:
            environ["wsgi.input"] = await _input(environ, receive)
        except ConnectionResetError:
            return
        asked = Handover(environ, send, receive, asyncio.get_running_loop())
        reply = await self._threads.run(self._respond, asked)
        if reply is not None:
            await send({"type": "http.response.start", "status": reply.status, "headers": reply.headers})
            await send({"type": "http.response.body", "body": reply.body})

    def _respond(self, asked: "Handover") -> Reply | None:
        """In a thread; None for what it has streamed itself."""
        started: list[Any] = []
        response = self._wsgi(asked.environ, lambda status, headers, exc_info=None: started.extend((status, headers)))
        try:
            status, headers = _head(*started)
            if not getattr(response, "streaming", True):
                return Reply(status, headers, b"".join(response))
            chunks = iter(response)
            first, ended = _gather(chunks)
            if ended:
                return Reply(status, headers, first)
            asked.stream(Reply(status, headers, first), chunks)
            return None
        finally:
            if close := getattr(response, "close", None):
                close()


class Handover(NamedTuple):
    """What a thread needs to know of a request."""

    environ: Environ
    send: Send
    receive: Receive
    loop: asyncio.AbstractEventLoop

    def stream(self, begin: Reply, rest: Iterator[bytes]) -> None:
        """Returns when all was taken, or the client is gone."""
        gone = asyncio.run_coroutine_threadsafe(self._until_gone(), self.loop)
        self._send({"type": "http.response.start", "status": begin.status, "headers": begin.headers})
        self._send({"type": "http.response.body", "body": begin.body, "more_body": True})
        for chunk in rest:
            if gone.done():
                break
            self._send({"type": "http.response.body", "body": chunk, "more_body": True})
        else:
            self._send({"type": "http.response.body", "body": b""})
        gone.cancel()

    def _send(self, message: Message) -> None:
        asyncio.run_coroutine_threadsafe(_awaited(self.send(message)), self.loop).result()

    async def _until_gone(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass


async def _awaited(awaitable: Awaitable[None]) -> None:
    await awaitable


def _head(status: str, headers: list[tuple[str, str]]) -> tuple[int, list[tuple[bytes, bytes]]]:
    code = int(status[:3])
    encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    if code == 204:  # such an answer must not have one
        encoded = [header for header in encoded if header[0] != b"content-length"]
    return code, encoded


def _gather(chunks: Iterator[bytes]) -> tuple[bytes, bool]:
    """What there is up to WHOLE_BYTES, and whether that is all."""
    gathered, length = [], 0
    for chunk in chunks:
        gathered.append(chunk)
        length += len(chunk)
        if length >= WHOLE_BYTES:
            return b"".join(gathered), False
    return b"".join(gathered), True


class TooBig:
    """The body that nobody keeps: Django refuses by the header alone, or when it tries to read."""

    def read(self, size: int = -1) -> bytes:
        raise RequestDataTooBig("The body is longer than DATA_UPLOAD_MAX_MEMORY_SIZE.")

    readline = read


async def _input(environ: Environ, receive: Receive) -> Any:
    """The whole body; none where Django would not read one either, as it has no length.

    Raises ConnectionResetError if the client leaves before.
    """
    length_text, limit = environ.get("CONTENT_LENGTH", ""), settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if not length_text.isdigit() or "HTTP_TRANSFER_ENCODING" in environ:
        return BytesIO()
    length = int(length_text)
    if limit is None or length <= limit:
        body = BytesIO()
        await _receive(length, receive, body.write)
        body.seek(0)
        return body
    if length <= DRAINED * limit and "HTTP_EXPECT" not in environ:
        await _receive(length, receive, len)
    return TooBig()


async def _receive(length: int, receive: Receive, take: Callable[[bytes], int]) -> None:
    while length > 0:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError
        length -= take(message["body"])
        if not message.get("more_body"):
            break
