"""The latency proxy delivers every byte in order, later by a round trip."""

import random
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread

import pytest

from loadtest.bench.latency_proxy import ProxyProcess, run_latency_proxy
from tests.caching.threads import together

ROUND_TRIP_MS = 40


class Echo(BaseRequestHandler):
    def handle(self) -> None:
        while data := self.request.recv(1 << 16):
            self.request.sendall(data)
            if data == b"Bye":
                return


@pytest.fixture
def proxy() -> Iterator[ProxyProcess]:
    with ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, daemon=True).start()
        with run_latency_proxy(server.server_address[1], round_trip_ms=ROUND_TRIP_MS) as proxy:
            yield proxy
        server.shutdown()


@contextmanager
def connected(proxy: ProxyProcess) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as connection:
        yield connection


def received(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size and (block := connection.recv(1 << 16)):
        data += block
    return data


def test_an_answer_takes_a_round_trip_more(proxy):
    with connected(proxy) as connection:
        for _ in range(5):
            sent_at = time.perf_counter()
            connection.sendall(b"Hello")
            assert received(connection, 5) == b"Hello"
            assert (time.perf_counter() - sent_at) * 1_000 >= ROUND_TRIP_MS


def test_everything_arrives_in_order_on_many_connections(proxy):
    def talk():
        sent = random.randbytes(3_000_000)
        with connected(proxy) as connection:
            sender = Thread(target=connection.sendall, args=(sent,))
            sender.start()
            assert received(connection, len(sent)) == sent
            sender.join()

    together(*[talk] * 8)


def test_the_end_of_a_connection_comes_after_its_last_byte(proxy):
    with connected(proxy) as connection:
        connection.sendall(b"Bye")
        assert received(connection, 4) == b"Bye"


def test_the_connection_is_closed_without_a_server():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with run_latency_proxy(port, round_trip_ms=1) as proxy, connected(proxy) as connection:
        assert received(connection, 1) == b""
