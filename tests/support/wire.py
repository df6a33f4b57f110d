"""A connection of gunicorn's worker over a pair of sockets, to an application that the test controls."""

import asyncio
import json
import socket

import uvloop

from serving.accepting.connection_shares import ConnectionShares
from serving.http.connection import Connection
from serving.http.connections import Connections

LINES = b"Host: a\r\nAuthorization: Bearer b\r\n\r\n"
PLAIN = b"GET /hot HTTP/1.1\r\n" + LINES
COLD = b"GET /cold HTTP/1.1\r\nHost: a\r\n\r\n"  # for Django
SLOW = COLD.replace(b"/cold", b"/cold/slow")
SHORT_S = 0.15  # time limits of the fixture `short`


class Application:
    """An application whose hot lane answers when the test says so, and whose bridge answers with the request it got."""

    def __init__(self):
        self.asked, self.heads, self.scopes, self.bodies = [], [], [], []
        self.goes_on = asyncio.Event()

    def parse_headers(self, scheme, raw):
        self.heads.append(list(raw))
        return raw

    def try_answer(self, parsed, path, query, extra_environ, callback, method="GET", body=b""):
        self.bodies.append((method, body))
        if path.startswith("/cold") or (method != "GET" and not path.startswith("/write")):
            extra_environ["why"] = "cold"
            return False
        self.asked.append((path, query, extra_environ, callback))
        return True

    async def bridge(self, scope, receive, send, extra_environ):
        self.scopes.append(scope)
        body, more = b"", not scope["path"].endswith("/refused")
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        if scope["path"].endswith("/slow"):
            await self.goes_on.wait()
        if scope["path"].endswith("/large"):
            body = b"x" * 1_000_000
        if scope["path"].endswith("/pieces"):
            await send({"type": "http.response.start", "status": 200, "headers": []})
            for number in range(200):
                await send({"type": "http.response.body", "body": b"x" * (16 << 10), "more_body": number < 199})
            return
        extra = {name: value for name, value in extra_environ.items() if name not in {"RAW_URI", "HTTP_X_REQUEST_ID"}}
        told = json.dumps({"path": scope["path"], "body": body.decode(), "extra": extra}).encode()
        length = str(len(told)).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
        await send({"type": "http.response.body", "body": told})

    async def __call__(self, scope, receive, send):
        raise AssertionError("the protocol knows the way to the bridge")


class Answer:
    http1_status, body = b"HTTP/1.1 200 OK\r\n", b'"hot"'

    def http1_headers(self):
        return (b"content-length: 5\r\n",)


class Wire:
    """The client's end of a connection to the protocol, and of further ones."""

    def __init__(self, keep_alive_s=30, max_connections=1_000):
        self.keep_alive_s, self.max_connections = keep_alive_s, max_connections

    async def __aenter__(self):
        self.application, self.clients = Application(), []
        self.loop = asyncio.get_running_loop()
        share = ConnectionShares().allocate()
        self.connections = Connections(
            self.application, keep_alive_s=self.keep_alive_s, max_connections=self.max_connections, share=share
        )
        self.client = await self.connect()
        return self

    async def __aexit__(self, *_):
        for connection in list(self.connections._open):
            connection.abort()
        for client in self.clients:
            client.close()
        await asyncio.sleep(0)

    async def connect(self):
        """Open one more connection, and return the client's end of it."""
        client, server = socket.socketpair()
        client.setblocking(False)
        await self.loop.connect_accepted_socket(lambda: Connection(self.connections), server)
        self.clients.append(client)
        return client

    async def send(self, data):
        await self.loop.sock_sendall(self.client, data)
        await asyncio.sleep(0.02)

    async def read(self):
        """Return all that the server sends until it closes the connection, ticking as the worker does."""
        received = b""
        ticks = asyncio.create_task(self._tick())
        try:
            while block := await asyncio.wait_for(self.loop.sock_recv(self.client, 1 << 16), 5):
                received += block
        except ConnectionResetError:
            received += b"RESET"
        ticks.cancel()
        return received

    async def read_bytes(self, number):
        """Return that many bytes or somewhat more."""
        received = b""
        while len(received) < number:
            received += await asyncio.wait_for(self.loop.sock_recv(self.client, 1 << 16), 5)
        return received

    async def _tick(self):
        while True:
            self.connections.tick()
            await asyncio.sleep(0.02)

    async def answers(self, number):
        """Return the bodies of the next answers; "" where the server has closed the connection."""
        found, data = [], b""
        while len(found) < number:
            head, end, rest = data.partition(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0) if end else None
            if length is not None and len(rest) >= length:
                found.append(json.loads(rest[:length]) if length else head.decode())
                data = rest[length:]
                continue
            block = await asyncio.wait_for(self.loop.sock_recv(self.client, 1 << 16), 5)
            if not block:
                return [*found, ""]
            data += block
        assert data == b""
        return found

    @property
    def waiting(self):
        return [path for path, *_ in self.application.asked]

    def tell(self, answer):
        *_, callback = self.application.asked.pop(0)
        callback(answer)


def on_a_wire(test, **options):
    async def played():
        async with Wire(**options) as wire:
            await test(wire)

    return lambda: uvloop.run(played())
