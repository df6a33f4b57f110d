"""The ASGI application as a server would run it, on an event loop of its own thread; what Django got is noted."""

import asyncio
import threading
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from django.core.wsgi import get_wsgi_application

from config import asgi
from serving.bridge.wsgi import Bridge
from serving.hot_lane.lane import HotLane

TIMEOUT_S = 30


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes
    by_lane: bool

    @property
    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """All but who it came from."""
        return self.status, self.headers, self.body


class Served:
    def __init__(self, *, lane: bool = True, threads: int = 8) -> None:
        django = get_wsgi_application()
        self._bridge = Bridge(django, threads)
        self.application: Any = self._handed
        if lane:
            self.application = HotLane(self._handed, django, prefix="/api/v1/", routes=asgi.routes)
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    async def _handed(self, scope: Any, receive: Any, send: Any, *extra: Any) -> None:
        scope["handed"] = True
        await self._bridge(scope, receive, send, *extra)

    def ask(self, path: str, *, method: str = "GET", headers: Any = (), body: bytes = b"") -> Reply:
        """`headers`: pairs of text, to which a host and HTTPS are added if they have none."""
        return asyncio.run_coroutine_threadsafe(self.asked(path, method, headers, body), self.loop).result(TIMEOUT_S)

    async def asked(self, path: str, method: str = "GET", headers: Any = (), body: bytes = b"") -> Reply:
        scope = scope_of(path, method, headers)
        sent: list[dict[str, Any]] = []
        parts = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive() -> Any:
            return next(parts, {"type": "http.disconnect"})

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self.application(scope, receive, send)
        begin, *rest = sent
        named = [(name.decode(), value.decode("latin-1")) for name, value in begin["headers"]]
        assert len(dict(named)) == len(named), named
        text = b"".join(part["body"] for part in rest)
        return Reply(begin["status"], dict(named), text, "handed" not in scope)

    def end(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(TIMEOUT_S)
        self.loop.close()


def scope_of(path: str, method: str, headers: Any) -> dict[str, Any]:
    raw, _, query = path.partition("?")
    raw = quote(raw, safe="/%")
    given = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    names = {name for name, _ in given}
    usual = [(b"host", b"testserver"), (b"x-forwarded-proto", b"https")]
    return {
        "type": "http", "method": method, "http_version": "1.1", "scheme": "http", "root_path": "",
        "path": unquote(raw), "raw_path": raw.encode(), "query_string": quote(query, safe="=&,:%+;").encode(),
        "client": ("127.0.0.1", 5), "server": ("127.0.0.1", 80),
        "headers": [*(pair for pair in usual if pair[0] not in names), *given],
    }  # fmt: skip
