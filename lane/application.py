"""The hot lane: what the cache has, answered in the event loop; everything else is Django's, untouched.

The lane decides nothing: the reads, admission and throttle are those that the views use, and what is a hit is for
caching to say. It answers 200 or not at all.
"""

from collections.abc import Iterable
from typing import Any

from django.core.handlers.base import BaseHandler
from rest_framework.exceptions import APIException

from api import throttles, tokens
from api.json import encoded
from api.reads import Read
from api.views import Admission
from caching import Batch, Pipe
from lane.addresses import Address, Addresses
from lane.bridge import Bridge, Receive, Send
from lane.environ import Scope
from lane.heads import Head, Heads

SCOPE = "user"
ODD = frozenset((b"content-length", b"transfer-encoding", b"upgrade"))


class Application:
    def __init__(self, bridge: Bridge, django: BaseHandler, *, prefix: str, addresses: Iterable[Address]) -> None:
        self._bridge = bridge
        self._addresses = Addresses(prefix, addresses)
        self._heads = Heads(django)
        self._pipe = Pipe()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        counted: dict[str, Any] = {}
        if scope["method"] == "GET":
            found = self._addresses.find(scope["path"], scope["query_string"])
            if found is not None and await self._answered(scope, send, *found, counted):
                return
        await self._bridge(scope, receive, send, counted)

    async def _answered(
        self, scope: Scope, send: Send, address: Address, arguments: tuple[Any, ...], counted: dict[str, Any]
    ) -> bool:
        headers = dict(scope["headers"])
        if len(headers) < len(scope["headers"]) or not ODD.isdisjoint(headers):
            return False
        head = self._heads.of(scope, headers)
        if head is None:
            return False
        batch = Batch()
        try:
            caller_id = tokens.caller_id(headers.get(b"authorization", b"").decode("latin-1"))
            admission = Admission(batch, caller_id, SCOPE, counted)
            read = address.read(batch, caller_id, *arguments)
            hit = await self._hit(batch)
            if admission.verdict is not None and admission.verdict.result is not None:
                counted[throttles.ASKED] = (SCOPE, caller_id), admission.verdict
            if not hit:
                return False
            admission.caller()
            if not read.is_at_hand():
                return False
            while read.more(batch := Batch()):
                if not await self._hit(batch):
                    return False
            await _send(send, head, read)
        except APIException:
            return False
        return True

    async def _hit(self, batch: Batch) -> bool:
        replies = self._pipe.ask(batch.look())
        if replies is None:
            return False
        found = await replies
        return found is not None and batch.all_hit(found)


async def _send(send: Send, head: Head, read: Read) -> None:
    body = encoded(read.document())
    own = [(name.lower().encode(), value.encode("latin-1")) for name, value in read.headers().items()]
    headers = [*head, *own, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
