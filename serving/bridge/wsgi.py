"""Run Django's ordinary WSGI handler under an ASGI server.

A request takes one of a bounded number of threads when its body has been received, and releases it when its response is
complete, so that slow clients occupy no thread. A response longer than MAX_BUFFERED_BYTES is streamed by the thread at
the speed of the client, which has to make progress; one that says so is made in pieces, without a thread in between.

A request whose response has not begun by its deadline (WEB_DEADLINE_S) is answered 503. Its thread goes on until the
time limit of the server that it waits for. Requests that would wait for long are answered 503 at once.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any

from django.conf import settings
from django.http import HttpResponse

from api import request_ids
from api.logs.current import BEGAN, ViewRequest, set_current
from serving.bridge.bodies import BodyReceiver, Receive
from serving.bridge.environ import Environ, Scope, build_environ
from serving.bridge.piecewise import PiecewiseResponse, PiecewiseSender, is_piecewise
from serving.bridge.responses import MAX_WHOLE_BYTES, Response, ResponseSender, Send
from serving.bridge.threads import ThreadPool
from serving.requests import rules
from serving.requests.limits import MAX_BODIES_BYTES, MAX_RESPONSES_BYTES, WRITE_TIMEOUT_S
from serving.requests.memory_budget import MemoryBudget
from serving.requests.refusals import Refusal, internal_error, overdue, overloaded

MAX_BUFFERED_BYTES = 2 << 20
RESERVED_THREADS = 2
INTERACTIVE_DEADLINE_S = 10

logger = logging.getLogger(__name__)

Message = dict[str, Any]
View = Callable[[Environ], Awaitable[HttpResponse]]


class Bridge:
    """An ASGI application that runs a WSGI application on `threads` threads.

    The paths in `views` are answered in the event loop, whatever the threads do. Paths that begin with `reserved` have
    RESERVED_THREADS of their own: the page that tells what is wrong is reached while all others wait for a server.
    Those that begin with `interactive` have INTERACTIVE_DEADLINE_S at least: people wait for a long list, where
    programs ask again.
    """

    def __init__(
        self,
        wsgi: Callable[..., Iterable[bytes]],
        threads: int,
        views: Mapping[str, View] = MappingProxyType({}),
        reserved: str | None = None,
        interactive: str | None = None,
    ) -> None:
        self._wsgi = wsgi
        self.threads = ThreadPool(threads, _is_long)
        self._reserved, self._reserved_threads = reserved, ThreadPool(RESERVED_THREADS, _is_long)
        self._interactive = interactive
        self._views = views
        self._bodies = MemoryBudget(MAX_BODIES_BYTES)
        responses = MemoryBudget(MAX_RESPONSES_BYTES)
        self._sender, self._piecewise = ResponseSender(responses), PiecewiseSender(responses, self.threads)

    async def __call__(
        self, scope: Scope, receive: Receive, send: Send, extra_environ: Mapping[str, Any] = MappingProxyType({})
    ) -> None:
        """Answer an HTTP request; `extra_environ` is added to the WSGI environ, under names that no header can have."""
        try:
            response = await self._respond_or_stream(scope, receive, send, extra_environ)
        except Refusal as refusal:
            response = _refused(refusal, request_ids.from_headers(scope["headers"]))
        except ConnectionResetError:
            return
        if response is not None:
            await self._sender.send(response, send)

    async def _respond_or_stream(
        self, scope: Scope, receive: Receive, send: Send, extra_environ: Mapping[str, Any]
    ) -> Response | None:
        """Return the response, or None if it has been streamed."""
        rules.check_size(scope["headers"])
        environ = build_environ(scope)
        environ.update(extra_environ)
        environ.setdefault(BEGAN, time.perf_counter())
        rules.check(environ)
        if view := self._views.get(environ["PATH_INFO"]):
            return await _from_view(view, environ)
        is_reserved = self._reserved is not None and environ["PATH_INFO"].startswith(self._reserved)
        threads = self._reserved_threads if is_reserved else self.threads
        body = BodyReceiver(self._bodies, receive)
        try:
            environ["wsgi.input"] = await body.read(environ)
            began = extra_environ.get(BEGAN) or time.perf_counter()  # a body may take its time
            response = await self._in_time(threads, BridgedRequest(environ, send, receive), began)
        finally:
            body.close()
        if isinstance(response, PiecewiseResponse):
            await self._piecewise.send(response, receive, send)
            return None
        return response

    async def _in_time(
        self, threads: ThreadPool, request: "BridgedRequest", began: float
    ) -> Response | PiecewiseResponse | None:
        """Return what a thread responds, or raise the 503."""
        deadline_s = settings.WEB_DEADLINE_S
        if self._interactive is not None and request.environ["PATH_INFO"].startswith(self._interactive):
            deadline_s = max(deadline_s, INTERACTIVE_DEADLINE_S)
        left_s = began + deadline_s - time.perf_counter()
        if left_s <= 0:
            raise overdue()
        if threads.is_overloaded:
            raise overloaded()
        try:
            async with asyncio.timeout(left_s) as request.deadline:
                response: Response | PiecewiseResponse | None = await threads.run(self._respond, request)
                return response
        except TimeoutError:
            raise overdue() from None

    def _respond(self, request: "BridgedRequest") -> Response | PiecewiseResponse | None:
        """Run the WSGI application in this thread; return None if the response has been streamed."""
        started: list[Any] = []
        try:
            start = lambda status, headers, exc_info=None: started.extend((status, headers))  # noqa: E731
            content = self._wsgi(request.environ, start)
        except Exception:
            request_id = request_ids.given_or_new(request.environ.get(request_ids.ENVIRON))
            logger.exception("Django's handler failed.", extra={"request_id": request_id})
            return _refused(internal_error(), request_id)
        if is_piecewise(content):
            return PiecewiseResponse(*_encode(*started), content)
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


def _is_long(outcome: Any) -> bool:
    return isinstance(outcome, Response) and len(outcome.body) > MAX_WHOLE_BYTES


class BridgedRequest:
    """A request with all that a thread needs to respond to it; made in the event loop."""

    def __init__(self, environ: Environ, send: Send, receive: Receive) -> None:
        self.environ, self.send, self.receive = environ, send, receive
        self.loop = asyncio.get_running_loop()
        self.deadline = asyncio.timeout(None)

    def stream(self, beginning: Response, rest: Iterator[bytes]) -> None:
        """Send a response; return when all has been sent, or the client has disconnected or does not read."""
        disconnected = asyncio.run_coroutine_threadsafe(self._wait_for_disconnect(), self.loop)
        with suppress(_StalledClient):
            asyncio.run_coroutine_threadsafe(self._disarm(), self.loop).result()
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
        """Send a part of the response; raise _StalledClient if the client does not read what was sent before."""
        sending = asyncio.wait_for(_wait(self.send(message)), WRITE_TIMEOUT_S)
        try:
            asyncio.run_coroutine_threadsafe(sending, self.loop).result()
        except TimeoutError:
            raise _StalledClient from None

    async def _disarm(self) -> None:
        """End the deadline, as the response begins; raise _StalledClient if it has passed."""
        if self.deadline.expired():
            raise _StalledClient
        self.deadline.reschedule(None)

    async def _wait_for_disconnect(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass


class _StalledClient(Exception):
    """A client has not read anything for WRITE_TIMEOUT_S, or has its answer already."""


async def _wait(awaitable: Awaitable[None]) -> None:
    await awaitable


def _refused(refusal: Refusal, request_id: str) -> Response:
    headers = [(name.encode(), value.encode()) for name, value in refusal.headers_for(request_id)]
    return Response(refusal.status, [*headers, (b"connection", b"close")], refusal.body)


async def _from_view(view: View, environ: Environ) -> Response:
    """Return a view's response; if the request has a body, which nobody reads, the connection is closed."""
    request_id = request_ids.given_or_new(environ.get(request_ids.ENVIRON))
    set_current(ViewRequest(request_id, environ))
    response = await view(environ)
    status, headers = _encode(str(response.status_code), [*response.items(), (request_ids.HEADER, request_id)])
    if environ.get("CONTENT_LENGTH", "0") != "0":
        headers.append((b"connection", b"close"))
    return Response(status, headers, response.content)


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
