"""The hot lane: answers a request in the event loop by what the cache has; what it lacks is loaded in a thread.

The lane makes no decisions of its own: reads, admission and throttle are the ones that the views use, and caching
decides what is a hit. The status is 200, or there is no answer, and Django gets the request.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Generator, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple, cast

from django.core.handlers.base import BaseHandler
from django.db import close_old_connections
from rest_framework.exceptions import APIException

from api import request_ids, throttles, tokens
from api.json import encoded
from api.logs import answered
from api.logs.current import set_current
from api.views import Admission
from api.writes import Write
from caching.api import Batch, Series, repeated
from caching.extend import EventLoopClient
from caching.recent import Recent
from serving.bridge.bodies import Receive
from serving.bridge.environ import Environ, Scope
from serving.bridge.responses import Send
from serving.bridge.threads import ThreadPool
from serving.bridge.wsgi import Bridge
from serving.hot_lane.logged_request import LaneRequest
from serving.hot_lane.misses import MissLoader
from serving.hot_lane.response_heads import ResponseHead, ResponseHeadCache
from serving.hot_lane.routes import Route, Routes
from serving.requests.small_bodies import WRITES, RawHeaders, small_body

THROTTLE_SCOPE = "user"
MAX_CACHED, MAX_CACHED_BYTES = 10_000, 2048  # sets of request headers, mostly of half a kilobyte each
UNSUPPORTED_HEADERS = frozenset((b"content-length", b"transfer-encoding", b"upgrade", b"expect"))
FAILED = "The hot lane failed. Django answers instead."
logger = logging.getLogger(__name__)


class ParsedHeaders(NamedTuple):
    """What a request's headers determine: the head of the response, and the Authorization header."""

    response_head: ResponseHead
    authorization: str


class Answer(NamedTuple):
    """A response; `headers` are those besides the response head, Content-Length and X-Request-ID."""

    response_head: ResponseHead
    headers: Mapping[str, str]
    body: bytes
    status: int = 200

    @property
    def http1_status(self) -> bytes:
        """The status line of HTTP/1."""
        return _STATUS_LINES[self.status]

    def asgi_headers(self) -> list[tuple[bytes, bytes]]:
        """Return the headers as ASGI has them."""
        own = [(name.lower().encode(), value.encode("latin-1")) for name, value in self.headers.items()]
        head = self.response_head.asgi_headers
        if not self.body:
            head = [header for header in head if header[0] != b"content-type"]
        return [*head, (b"content-length", b"%d" % len(self.body)), *own]

    def http1_headers(self) -> tuple[bytes, bytes]:
        """Return the headers as HTTP/1 has them, in two parts."""
        length = b"content-length: %d\r\n" % len(self.body)
        if not self.body:
            return self.response_head.without_type, length
        if not self.headers:
            return self.response_head.http1_headers, length
        own = "".join([f"{name.lower()}: {value}\r\n" for name, value in self.headers.items()])
        return self.response_head.http1_headers, own.encode("latin-1") + length


_STATUS_LINES = {200: b"HTTP/1.1 200 OK\r\n", 202: b"HTTP/1.1 202 Accepted\r\n"}
AnswerCallback = Callable[[Answer | None], None]


class HotLane:
    """An ASGI application that answers `routes` (below the path `prefix`) by the cache, and else calls `bridge`.

    `threads` load what the cache lacks.
    Servers that can work without coroutines, which cost more than all other parts of a hit, call `try_answer`.
    """

    def __init__(
        self, bridge: Bridge, django: BaseHandler, *, prefix: str, routes: Iterable[Route], threads: ThreadPool
    ) -> None:
        self.bridge = bridge
        self._routes = Routes(prefix, routes)
        self._means = _Means(EventLoopClient(), MissLoader(threads), threads, answered.noticed_from_s())
        self._response_heads = ResponseHeadCache(django)
        self._parsed_headers: Recent[tuple[str, RawHeaders], ParsedHeaders] = Recent(MAX_CACHED)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        extra_environ: Environ = {}
        answer: Answer | None = None
        parsed = None
        raw, body = tuple(scope["headers"]), b""
        headers: RawHeaders | None = raw
        if scope["method"] in WRITES:
            headers, body, receive = await small_body(raw, receive)
        elif scope["method"] != "GET":
            headers = None
        if headers is not None:
            parsed, request_id = self._parse_cached(scope["scheme"], headers)
        if parsed is not None:
            extra_environ[request_ids.ENVIRON] = request_id
            future = asyncio.get_running_loop().create_future()
            request = (scope["path"], scope["query_string"], extra_environ, partial(_set_result, future))
            if self.try_answer(parsed, *request, scope["method"], body):
                answer = await future
        if answer is None:
            await self.bridge(scope, receive, send, extra_environ)
            return
        own = [*answer.asgi_headers(), (request_ids.NAME, request_id.encode())]
        await send({"type": "http.response.start", "status": answer.status, "headers": own})
        await send({"type": "http.response.body", "body": answer.body})

    def parse_headers(self, scheme: str, raw: RawHeaders) -> ParsedHeaders | None:
        """Parse a request's headers; return None if Django has to answer, whatever the request's path.

        The response head is looked up for valid tokens only: strangers cannot fill the cache.
        """
        headers = dict(raw)
        if len(headers) < len(raw) or not UNSUPPORTED_HEADERS.isdisjoint(headers):
            return None
        authorization = headers.get(b"authorization", b"").decode("latin-1")
        try:
            tokens.caller(authorization)
            head = self._response_heads.get(scheme, headers)
        except APIException:
            return None
        except Exception:
            logger.exception(FAILED)
            return None
        return head and ParsedHeaders(head, authorization)

    def _parse_cached(self, scheme: str, raw: RawHeaders) -> tuple[ParsedHeaders | None, str]:
        """Parse a request's headers, or return the cached result, and the request's id: see serving.http.headers."""
        parsed = self._parsed_headers[scheme, raw]
        if parsed is not None:
            return parsed, request_ids.new()
        kept = tuple(pair for pair in raw if pair[0] not in request_ids.VARYING)
        parsed = self._parsed_headers[scheme, kept]
        if parsed is None:
            parsed = self.parse_headers(scheme, kept)
            if parsed is not None and sum(len(name) + len(value) for name, value in kept) <= MAX_CACHED_BYTES:
                self._parsed_headers.put((scheme, kept), parsed)
        return parsed, request_ids.from_headers(raw)

    def try_answer(
        self,
        parsed: ParsedHeaders,
        path: str,
        query: bytes,
        extra_environ: Environ,
        callback: AnswerCallback,
        method: str = "GET",
        body: bytes = b"",
    ) -> bool:
        """Begin to answer a request; return False if Django has to.

        If True, `callback` is called once, in a later turn of the event loop, with the answer, or with None if Django
        has to answer after all. Then give `extra_environ`, which the lane may have filled, to `bridge`.
        """
        route = None
        try:
            found = self._routes.find(path, query, parsed.response_head.base, method, body)
            if found is None:
                return False
            route, arguments = found
            logged = LaneRequest(method, route.whole_path, parsed.authorization, extra_environ, query, body)
            steps = _steps(parsed, route, arguments, extra_environ)
            return _Runner(self._means, steps, callback, logged, route.durations).start()
        except APIException:
            return False
        except Exception:
            pattern = route.whole_path if route else None
            _log_failure(LaneRequest(method, pattern, parsed.authorization, extra_environ, query, body))
            return False


def _set_result(future: asyncio.Future[Answer | None], answer: Answer | None) -> None:
    if not future.done():  # cancelled, because the client has disconnected
        future.set_result(answer)


Work = Callable[[], None]
"""What blocks, and is done in a thread."""
Steps = Generator[Batch | Work, bool, Answer | None]


def _steps(parsed: ParsedHeaders, route: Route, arguments: tuple[Any, ...], extra_environ: Environ) -> Steps:
    """Yield batches to send and work to be done, and receive for each whether it has succeeded. Return the answer.

    If the generator returns None or raises APIException, Django has to answer.
    """
    batch = Batch()
    claims = tokens.caller(parsed.authorization)
    admission = Admission(batch, claims, THROTTLE_SCOPE, extra_environ)
    read = route.read(batch, claims.user_id, *arguments)
    is_complete = yield batch
    if admission.verdict is not None and admission.verdict.result is not None:
        extra_environ[throttles.VERDICT] = (THROTTLE_SCOPE, claims.user_id), admission.verdict
        if admission.verdict.result:
            return None
    if not is_complete:
        return None
    admission.enforce()
    if not read.is_nonblocking():
        return None
    if isinstance(read, Write):
        read.check()
    for more in read.further_batches():
        if not (more.is_empty or (yield more)):
            return None
    if not isinstance(read, Write):
        return Answer(parsed.response_head, read.headers(), encoded(read.document()))
    if read.blocks and not (yield read.perform):
        return None
    document = read.document()
    return Answer(parsed.response_head, {}, b"" if document is None else encoded(document), read.status)


class _Means(NamedTuple):
    """What all requests of a lane share."""

    client: EventLoopClient
    misses: MissLoader
    threads: ThreadPool
    noticed_from_s: float


class _Runner:
    """Runs steps to their end: sends each batch, has its misses loaded, and resumes."""

    def __init__(
        self, means: _Means, steps: Steps, callback: AnswerCallback, logged: LaneRequest, durations: dict[int, Series]
    ) -> None:
        self._means, self._steps, self._callback, self._logged = means, steps, callback, logged
        self._durations = durations

    def _note(self, status: int) -> None:
        seconds = time.perf_counter() - self._logged.began_s
        self._durations[status].add(seconds)
        if seconds >= self._means.noticed_from_s:
            answered.note(self._logged, status)

    def start(self) -> bool:
        """Send the first batch; return False if Redis cannot be used now."""
        self._batch = cast("Batch", next(self._steps))
        return self._batch.send(self._means.client, self._resume)

    def _resume(self, replies: list[Any] | None) -> None:
        """Take the replies of Redis, None if there are none."""
        self._advance(lambda batch: batch.resolve(replies), may_load=replies is not None)

    def _done(self, work: "asyncio.Future[None]") -> None:
        error = work.exception()
        if error is not None and not isinstance(error, APIException):
            _log_failure(self._logged, error)
        self._advance(lambda _: error is None, may_load=False)

    def _loaded(self, is_loaded: bool) -> None:
        self._advance(lambda _: is_loaded, may_load=False)

    def _advance(self, resolve: Callable[[Batch], bool], *, may_load: bool) -> None:
        answer = None
        try:
            is_complete = resolve(self._batch)
            if not is_complete and may_load and self._batch.lacks_only_entries:
                self._means.misses.load(self._batch, self._loaded)
                return
            following = self._steps.send(is_complete)
            while (
                may_load and isinstance(following, Batch) and following.is_known(self._means.client, after=self._batch)
            ):
                following = self._steps.send(True)
            if not isinstance(following, Batch):
                self._means.threads.run(_work, following, self._logged).add_done_callback(self._done)
                return
            self._batch = following
            if following.send(self._means.client, self._resume):
                return
        except StopIteration as end:
            answer = end.value
            if answer is not None:
                self._note(answer.status)
        except APIException:
            pass
        except Exception:
            _log_failure(self._logged)
        self._callback(answer)


def _work(work: Work, logged: LaneRequest) -> None:
    """Do the work of a request that may be repeated, in this thread, as Django would begin and end it."""
    set_current(logged)
    close_old_connections()
    try:
        repeated(work, is_idempotent=True)
    finally:
        close_old_connections()
        set_current(None)


def _log_failure(logged: LaneRequest, error: BaseException | None = None) -> None:
    """Log a failure under the request's id, which Django then answers with."""
    logger.error(FAILED, extra={"logged_request": logged}, exc_info=error or True)
