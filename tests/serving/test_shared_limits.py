"""Limits that all connections of a worker share, and clients that do not read: many of them cost little together."""

import asyncio
import contextlib

import pytest

from serving.http import connections
from tests.support.wire import COLD, SHORT_S, SLOW, on_a_wire

pytestmark = pytest.mark.embedded


def test_idle_connections_make_way():
    async def played(wire):
        await wire.send(SLOW)
        busy, others = wire.client, [await wire.connect() for _ in range(60)]
        await asyncio.sleep(0.02)
        assert len(wire.connections) <= 20
        wire.client = others[0]
        assert await wire.read() == b""
        wire.client = others[-1]
        await wire.send(COLD)
        assert len(await wire.answers(1)) == 1
        wire.client = busy
        wire.application.goes_on.set()
        assert len(await wire.answers(1)) == 1

    on_a_wire(played, max_connections=20)()


def test_incomplete_heads_share_one_limit(short, monkeypatch):
    monkeypatch.setattr(connections, "MAX_INPUT_BYTES", 300_000)

    @on_a_wire
    async def played(wire):
        begun = b"GET /cold HTTP/1.1\r\nX: " + b"x" * 50_000
        for _ in range(8):
            wire.client = await wire.connect()
            await wire.send(begun)
        assert (await wire.read()).startswith(b"HTTP/1.1 503 Service Unavailable")
        wire.client = await wire.connect()
        await wire.send(COLD)
        assert len(await wire.answers(1)) == 1

    played()


@on_a_wire
async def test_requests_that_wait_are_not_all_read(wire):
    await wire.send(SLOW)
    sent = 0
    with contextlib.suppress(BlockingIOError):
        while sent < 3_000_000:
            sent += wire.client.send(COLD * 1000)
            await asyncio.sleep(0.01)
    assert sent < 3_000_000
    assert wire.connections._input_bytes < 1_000_000


def test_answers_that_are_not_read_share_one_limit(monkeypatch):
    monkeypatch.setattr(connections, "MAX_OUTPUT_BYTES", 3_000_000)

    @on_a_wire
    async def played(wire):
        slow = []
        for _ in range(6):
            wire.client = await wire.connect()
            slow.append(wire.client)
            await wire.send(COLD.replace(b"/cold", b"/cold/large"))
        assert sum(client.unsent_bytes() for client in wire.connections._open) <= 3_000_000
        wire.client = slow[-1]
        (answer,) = await wire.answers(1)
        assert len(answer["body"]) == 1_000_000

    played()


def test_an_answer_that_is_not_read_is_dropped(short):
    async def played(wire):
        await wire.send(COLD.replace(b"/cold", b"/cold/large"))
        for _ in range(60):
            wire.connections.tick()
            await asyncio.sleep(0.02)
        assert len(wire.connections) == 0

    on_a_wire(played, keep_alive_s=SHORT_S)()


def test_an_answer_that_is_read_slowly_is_not_dropped():
    async def played(wire):
        await wire.send(COLD.replace(b"/cold", b"/cold/large"))
        received = b""
        while len(received) < 1_000_000:
            wire.connections.tick()
            await asyncio.sleep(0.04)
            block = await asyncio.wait_for(wire.loop.sock_recv(wire.client, 20_000), 5)
            assert block, len(received)
            received += block
        assert len(received) >= 1_000_000

    on_a_wire(played, keep_alive_s=1)()


@on_a_wire
async def test_an_application_that_sends_pieces_waits_for_the_client(wire):
    await wire.send(COLD.replace(b"/cold", b"/cold/pieces"))
    (client,) = wire.connections._open
    assert client.unsent_bytes() < 200_000
    assert len(await wire.read_bytes(3_000_000)) >= 3_000_000
