"""Run Django's ordinary WSGI handler under an ASGI server.

A request takes one of a bounded number of threads when its body has been received, and releases it when its response is
complete, so that slow clients occupy no thread. A response longer than MAX_BUFFERED_BYTES is streamed by the thread at
the speed of the client.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from io import BytesIO
from types import MappingProxyType
from typing import Any, NamedTuple

from django.conf import settings
from django.core.exceptions import RequestDataTooBig

from serving.bridge.environ import Environ, Scope, build_environ
from serving.bridge.threads import ThreadPool

MAX_BUFFERED_BYTES = 2 << 20
# A client that gets its response while it still sends may never read the response. So a refused body is received and
# discarded, if it is no longer than this many times the allowed size.
MAX_DISCARDED_RATIO = 10

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Response(NamedTuple):
    """A complete response, or the beginning of a streamed one."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Bridge:
    """An ASGI application that runs a WSGI application on `threads` threads."""

    def __init__(self, wsgi: Callable[..., Iterable[bytes]], threads: int) -> None:
        self._wsgi = wsgi
        self._threads = ThreadPool(threads)

    async def __call__(
        self, scope: Scope, receive: Receive, send: Send, extra_environ: Mapping[str, Any] = MappingProxyType({})
    ) -> None:
        """Answer an HTTP request; `extra_environ` is added to the WSGI environ, under names that no header can have."""
        environ = build_environ(scope)
        environ.update(extra_environ)
        try:
            environ["wsgi.input"] = await _read_body(environ, receive)
        except ConnectionResetError:
            return
        request = BridgedRequest(environ, send, receive, asyncio.get_running_loop())
        response = await self._threads.run(self._respond, request)
        if response is not None:
            await send({"type": "http.response.start", "status": response.status, "headers": response.headers})
            await send({"type": "http.response.body", "body": response.body})

    def _respond(self, request: "BridgedRequest") -> Response | None:
        """Run the WSGI application in this thread; return None if the response has been streamed."""
        started: list[Any] = []
        content = self._wsgi(request.environ, lambda status, headers, exc_info=None: started.extend((status, headers)))
        try:
            status, headers = _encode(*started)
            if not getattr(content, "streaming", True):
                return Response(status, headers, b"".join(content))
            chunks = iter(content)
            body, is_complete = _buffer(chunks)
            if is_complete:
                return Response(status, headers, body)
            request.stream(Response(status, headers, body), chunks)
            return None
        finally:
            if close := getattr(content, "close", None):
                close()


class BridgedRequest(NamedTuple):
    """A request with all that a thread needs to respond to it."""

    environ: Environ
    send: Send
    receive: Receive
    loop: asyncio.AbstractEventLoop

    def stream(self, beginning: Response, rest: Iterator[bytes]) -> None:
        """Send a response; return when all has been sent, or the client has disconnected."""
        disconnected = asyncio.run_coroutine_threadsafe(self._wait_for_disconnect(), self.loop)
        self._send({"type": "http.response.start", "status": beginning.status, "headers": beginning.headers})
        self._send({"type": "http.response.body", "body": beginning.body, "more_body": True})
        for chunk in rest:
            if disconnected.done():
                break
            self._send({"type": "http.response.body", "body": chunk, "more_body": True})
        else:
            self._send({"type": "http.response.body", "body": b""})
        disconnected.cancel()

    def _send(self, message: Message) -> None:
        asyncio.run_coroutine_threadsafe(_wait(self.send(message)), self.loop).result()

    async def _wait_for_disconnect(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass


async def _wait(awaitable: Awaitable[None]) -> None:
    await awaitable


def _encode(status: str, headers: list[tuple[str, str]]) -> tuple[int, list[tuple[bytes, bytes]]]:
    code = int(status[:3])
    encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    if code == 204:  # must not have a Content-Length
        encoded = [header for header in encoded if header[0] != b"content-length"]
    return code, encoded


def _buffer(chunks: Iterator[bytes]) -> tuple[bytes, bool]:
    """Return the chunks up to about MAX_BUFFERED_BYTES, joined, and whether they are all."""
    buffered, length = [], 0
    for chunk in chunks:
        buffered.append(chunk)
        length += len(chunk)
        if length >= MAX_BUFFERED_BYTES:
            return b"".join(buffered), False
    return b"".join(buffered), True


class RefusedBody:
    """A request's body that was discarded; Django refuses the request by Content-Length, or when it reads the body."""

    def read(self, size: int = -1) -> bytes:
        raise RequestDataTooBig("The body is longer than DATA_UPLOAD_MAX_MEMORY_SIZE.")

    readline = read


async def _read_body(environ: Environ, receive: Receive) -> Any:
    """Return the whole body; an empty one for requests without Content-Length, whose body Django would not read.

    Raises ConnectionResetError if the client disconnects before the body is complete.
    """
    length_text, limit = environ.get("CONTENT_LENGTH", ""), settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if not length_text.isdigit() or "HTTP_TRANSFER_ENCODING" in environ:
        return BytesIO()
    length = int(length_text)
    if limit is None or length <= limit:
        body = BytesIO()
        await _receive_body(length, receive, body.write)
        body.seek(0)
        return body
    if length <= MAX_DISCARDED_RATIO * limit and "HTTP_EXPECT" not in environ:
        await _receive_body(length, receive, len)
    return RefusedBody()


async def _receive_body(length: int, receive: Receive, consume: Callable[[bytes], int]) -> None:
    while length > 0:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError
        length -= consume(message["body"])
        if not message.get("more_body"):
            break
