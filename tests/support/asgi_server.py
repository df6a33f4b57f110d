"""The ASGI application on an event loop in a thread of its own, with and without the hot lane.

Each reply tells whether the hot lane has answered from the cache alone, and whether Django has.
"""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

import pytest
from django.core.wsgi import get_wsgi_application
from rest_framework_simplejwt.tokens import AccessToken

from config import asgi
from serving.bridge.wsgi import Bridge
from serving.hot_lane.lane import HotLane
from tests.support.empty_redis import empty_redis
from tests.support.event_loop_connection import close_connection
from tests.support.polling import wait_until

TIMEOUT_S = 30


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes
    by_lane: bool
    """Whether the hot lane has answered, and nothing was loaded from the database meanwhile."""
    by_django: bool

    @property
    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Everything but who has answered."""
        return self.status, self.headers, self.body


class AsgiServer:
    def __init__(self, *, lane: bool = True, threads: int = 8) -> None:
        django = get_wsgi_application()
        self._bridge = Bridge(django, threads)
        self.application: Any = self._hand_over
        if lane:
            self.application = HotLane(
                self._hand_over, django, prefix="/api/v1/", routes=asgi.routes, threads=self._bridge.threads
            )
            self._load, self.application._means.misses.load = self.application._means.misses.load, self._count_load
        self.loads = 0
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    async def _hand_over(self, scope: Any, receive: Any, send: Any, *extra: Any) -> None:
        scope["handed_over"] = True
        await self._bridge(scope, receive, send, *extra)

    def _count_load(self, *args: Any) -> None:
        self.loads += 1
        self._load(*args)

    def ask(self, path: str, *, method: str = "GET", headers: Any = (), body: bytes = b"") -> Reply:
        """Return the reply to a request. `headers`: pairs of strings; Host and X-Forwarded-Proto have defaults."""
        return asyncio.run_coroutine_threadsafe(self.ask_in_loop(path, method, headers, body), self.loop).result(
            TIMEOUT_S
        )

    async def ask_in_loop(self, path: str, method: str = "GET", headers: Any = (), body: bytes = b"") -> Reply:
        scope, loads = scope_of(path, method, headers), self.loads
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
        by_django = "handed_over" in scope
        return Reply(begin["status"], dict(named), text, not by_django and loads == self.loads, by_django)

    def end(self) -> None:
        if isinstance(self.application, HotLane):
            closing = close_connection(self.application._means.client)
            asyncio.run_coroutine_threadsafe(closing, self.loop).result(TIMEOUT_S)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(TIMEOUT_S)
        self.loop.close()


def scope_of(path: str, method: str, headers: Any) -> dict[str, Any]:
    """Return the ASGI scope of a request."""
    raw, _, query = path.partition("?")
    raw = quote(raw, safe="/%")
    given = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    names = {name for name, _ in given}
    usual = [(b"host", b"testserver"), (b"x-forwarded-proto", b"https"), (b"x-request-id", b"of-the-test")]
    return {
        "type": "http", "method": method, "http_version": "1.1", "scheme": "http", "root_path": "",
        "path": unquote(raw), "raw_path": raw.encode(), "query_string": quote(query, safe="=&,:%+;").encode(),
        "client": ("127.0.0.1", 5), "server": ("127.0.0.1", 80),
        "headers": [*(pair for pair in usual if pair[0] not in names), *given],
    }  # fmt: skip


def login(user: Any) -> list[tuple[str, str]]:
    """Return the headers of a request by a user."""
    return [("authorization", f"Bearer {AccessToken.for_user(user)}")]


def wait_until_ready(server: AsgiServer, user: Any) -> None:
    """Wait until the hot lane is connected to Redis and answers."""
    wait_until(lambda: server.ask("/api/v1/users/me", headers=login(user)).status == 200)
    wait_until(lambda: server.ask(f"/api/v1/users/{user.pk}", headers=login(user)).by_lane)


@pytest.fixture
def lane(transactional_db: None, alice: Any) -> Iterator[AsgiServer]:
    """The application with the hot lane, connected to Redis."""
    empty_redis()
    server = AsgiServer()
    wait_until_ready(server, alice)
    yield server
    server.end()


@pytest.fixture
def django(transactional_db: None) -> Iterator[AsgiServer]:
    """The application without the hot lane."""
    server = AsgiServer(lane=False)
    yield server
    server.end()
