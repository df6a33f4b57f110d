"""The hot lane: what the cache has, answered in the event loop; everything else is Django's, untouched.

The lane decides nothing: the reads, admission and throttle are those that the views use, and what is a hit is for
caching to say. It answers 200 or not at all.
"""

import asyncio
import logging
from collections.abc import Callable, Generator, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple

from django.core.handlers.base import BaseHandler
from rest_framework.exceptions import APIException

from api import throttles, tokens
from api.json import encoded
from api.views import Admission
from caching.api import Batch
from caching.extend import EventLoopClient
from serving.bridge.environ import Scope
from serving.bridge.wsgi import Bridge, Receive, Send
from serving.hot_lane.response_heads import ResponseHead, ResponseHeadCache
from serving.hot_lane.routes import Route, Routes

SCOPE = "user"
REMEMBERED, LONGEST_BYTES = 10_000, 2048  # headers of requests, mostly of half a kilobyte each
ODD = frozenset((b"content-length", b"transfer-encoding", b"upgrade"))
FAILED = "The hot lane failed. Django answers instead."
logger = logging.getLogger(__name__)

Named = tuple[tuple[bytes, bytes], ...]
Counted = dict[str, Any]
"""What has been found out about a request that Django is to answer, for its environ."""


class ParsedHeaders(NamedTuple):
    """What a request's headers say."""

    head: ResponseHead
    authorization: str


class Answer(NamedTuple):
    """With status 200; `headers` are those beside its head and Content-Length."""

    head: ResponseHead
    headers: Mapping[str, str]
    body: bytes

    def named(self) -> list[tuple[bytes, bytes]]:
        named = [*self.head.named, (b"content-length", b"%d" % len(self.body))]
        for name, value in self.headers.items():
            named.append((name.lower().encode(), value.encode("latin-1")))
        return named

    def lines(self) -> tuple[bytes, bytes]:
        """As HTTP/1 writes them."""
        own = "".join([f"{name.lower()}: {value}\r\n" for name, value in self.headers.items()])
        return self.head.lines, f"{own}content-length: {len(self.body)}\r\n".encode("latin-1")


Done = Callable[[Answer | None], None]


class HotLane:
    """`attempt` is for servers that can do without coroutines, which cost more than all the rest of a hit."""

    def __init__(self, bridge: Bridge, django: BaseHandler, *, prefix: str, routes: Iterable[Route]) -> None:
        self.bridge = bridge
        self._routes = Routes(prefix, routes)
        self._heads = ResponseHeadCache(django)
        self._client = EventLoopClient()
        self._known: dict[tuple[str, Named], ParsedHeaders] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        counted: Counted = {}
        answer: Answer | None = None
        said = self._remembered(scope["scheme"], tuple(scope["headers"])) if scope["method"] == "GET" else None
        if said is not None:
            done = asyncio.get_running_loop().create_future()
            if self.attempt(said, scope["path"], scope["query_string"], counted, partial(_settle, done)):
                answer = await done
        if answer is None:
            await self.bridge(scope, receive, send, counted)
            return
        await send({"type": "http.response.start", "status": 200, "headers": answer.named()})
        await send({"type": "http.response.body", "body": answer.body})

    def said(self, scheme: str, named: Named) -> ParsedHeaders | None:
        """By a request's headers; None if such a request is Django's, whatever its address."""
        headers = dict(named)
        if len(headers) < len(named) or not ODD.isdisjoint(headers):
            return None
        try:
            head = self._heads.of(scheme, headers)
        except Exception:
            logger.exception(FAILED)
            return None
        return head and ParsedHeaders(head, headers.get(b"authorization", b"").decode("latin-1"))

    def _remembered(self, scheme: str, named: Named) -> ParsedHeaders | None:
        """The same, for whoever does not remember it: a client repeats its headers."""
        said = self._known.get((scheme, named))
        if said is None:
            said = self.said(scheme, named)
            if said is not None and sum(len(name) + len(value) for name, value in named) <= LONGEST_BYTES:
                if len(self._known) >= REMEMBERED:
                    self._known.clear()
                self._known[scheme, named] = said
        return said

    def attempt(self, said: ParsedHeaders, path: str, query: bytes, counted: Counted, done: Done) -> bool:
        """Whether the lane has begun to answer a GET: then `done` is called once, in a later turn of the event loop,
        and gets None if there is no answer after all. Without an answer the request and `counted` are for `bridge`."""
        try:
            found = self._routes.find(path, query)
            return found is not None and Attempt(self._client, _steps(said, *found, counted), done).begin()
        except APIException:
            return False
        except Exception:
            logger.exception(FAILED)
            return False


def _settle(future: asyncio.Future[Answer | None], answer: Answer | None) -> None:
    if not future.done():  # cancelled, as the client is gone
        future.set_result(answer)


Steps = Generator[Batch, bool, Answer | None]


def _steps(said: ParsedHeaders, address: Route, arguments: tuple[Any, ...], counted: Counted) -> Steps:
    """Yields batches, and is told whether they were all hit. Where it ends without an answer, or raises APIException,
    the request is Django's."""
    batch = Batch()
    caller_id = tokens.caller_id(said.authorization)
    admission = Admission(batch, caller_id, SCOPE, counted)
    read = address.read(batch, caller_id, *arguments)
    hit = yield batch
    if admission.verdict is not None and admission.verdict.result is not None:
        counted[throttles.VERDICT] = (SCOPE, caller_id), admission.verdict
    if not hit:
        return None
    admission.enforce()
    if not read.is_nonblocking():
        return None
    while more := read.next_batch():
        if not (yield more):
            return None
    return Answer(said.head, read.headers(), encoded(read.document()))


class Attempt:
    """Takes the steps to an answer, from reply to reply of Redis."""

    def __init__(self, client: EventLoopClient, steps: Steps, done: Done) -> None:
        self._client, self._steps, self._done = client, steps, done

    def begin(self) -> bool:
        self._batch = next(self._steps)
        return self._ask()

    def _ask(self) -> bool:
        return self._client.send(self._batch.commands(), self._go_on)

    def _go_on(self, replies: list[Any] | None) -> None:
        answer = None
        try:
            self._batch = self._steps.send(self._batch.resolve(replies))
            if self._ask():
                return
        except StopIteration as end:
            answer = end.value
        except APIException:
            pass
        except Exception:
            logger.exception(FAILED)
        self._done(answer)
