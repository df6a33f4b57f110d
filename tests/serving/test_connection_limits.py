"""Clients that send too much, too slowly or nothing: each costs little, for a while."""

import asyncio
import json
import socket

import pytest

from tests.support.wire import COLD, LINES, PLAIN, SHORT_S, SLOW, Answer, on_a_wire

pytestmark = pytest.mark.embedded


def body_of(answer: bytes) -> dict:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK"), answer
    return json.loads(body)


TOO_LARGE = {
    "an endless header": b"GET /cold HTTP/1.1\r\nHost: a\r\nX-Endless: " + b"x" * 70_000,
    "an endless request line": b"GET /cold?" + b"x" * 70_000,
    "many endless headers": b"GET /cold HTTP/1.1\r\nHost: a\r\n" + b"A: b\r\n" * 12_000,
    "a large head": COLD.replace(b"\r\n\r\n", b"\r\nX-Large: " + b"x" * 70_000 + b"\r\n\r\n"),
    "many headers": COLD.replace(b"\r\n\r\n", b"\r\nA: b" * 100 + b"\r\n\r\n"),
    "many headers for the lane": PLAIN.replace(b"\r\n\r\n", b"\r\nA:b" * 99 + b"\r\n\r\n"),
    "a body's worth of blank lines and a large head": b"\r\n" * 100 + b"GET /cold HTTP/1.1\r\nA: " + b"x" * 70_000,
}


@pytest.mark.parametrize("request_", TOO_LARGE.values(), ids=TOO_LARGE)
@pytest.mark.parametrize("before", [b"", COLD], ids=["first", "second"])
def test_a_head_that_is_too_large_is_refused(short, before, request_):
    @on_a_wire
    async def played(wire):
        if before:
            await wire.send(before)
            await wire.answers(1)
        await wire.loop.sock_sendall(wire.client, request_)
        answer = await wire.read()
        assert answer.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
        assert b"\r\nconnection: close\r\n" in answer
        assert wire.waiting == []

    played()


@on_a_wire
async def test_a_hundred_headers_are_accepted(wire):
    await wire.send(COLD.replace(b"\r\n\r\n", b"\r\nA: b" * 99 + b"\r\n\r\n"))
    await wire.answers(1)
    assert len(wire.application.scopes[0]["headers"]) == 100


@on_a_wire
async def test_trailers_are_dropped(wire):
    head = b"POST /cold/refused HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Forwarded-For\r\n\r\n"
    await wire.loop.sock_sendall(
        wire.client, head + b"3\r\nabc\r\n0\r\nX-Forwarded-For: 1.2.3.4\r\nHost: b\r\n\r\n" + COLD
    )
    answer = await wire.read()
    assert answer.count(b"HTTP/1.1 200 OK") == 1
    assert b"connection: close" in answer
    (scope,) = wire.application.scopes
    assert [name for name, _ in scope["headers"]] == [b"host", b"transfer-encoding", b"trailer"]


@on_a_wire
async def test_blanks_around_a_value_are_not_part_of_it(wire):
    lines = LINES.replace(b"Bearer b", b" \t Bearer b \t ")
    await wire.send(b"GET /hot HTTP/1.1\r\n" + lines)
    wire.tell(Answer())
    assert (b"authorization", b"Bearer b") in wire.application.heads[0]


@pytest.mark.parametrize("coding", [b"chunked\r\nContent-Length: 3", b"gzip", b"identity"])
def test_a_request_that_the_parser_refuses_gets_one_answer(coding, caplog):
    @on_a_wire
    async def played(wire):
        lines = b"Host: a\r\nTransfer-Encoding: %b\r\n\r\nabc" % coding
        await wire.loop.sock_sendall(wire.client, b"POST /cold/refused HTTP/1.1\r\n" + lines)
        assert (await wire.read()).count(b"HTTP/1.1 ") == 1

    played()
    assert "Exception" not in caplog.text


def test_a_client_that_still_sends_reads_its_answer(short):
    @on_a_wire
    async def played(wire):
        await wire.loop.sock_sendall(
            wire.client, b"POST /cold/refused HTTP/1.0\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n" + b"x" * 100_000
        )
        for _ in range(5):
            await wire.loop.sock_sendall(wire.client, b"x" * 10_000)
        answer = await wire.read()
        assert body_of(answer)["path"] == "/cold/refused"

    played()


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"http://b.example/cold?x=1", "/cold"),
        (b"HTTP://b.example:80/cold", "/cold"),
        (b"http://b.example?cold", "/"),
        (b"http://b.example", "/"),
        (b"/cold//http://b", "/cold//http://b"),
    ],
)
def test_a_target_that_names_a_host(target, path):
    @on_a_wire
    async def played(wire):
        await wire.send(b"POST %b HTTP/1.1\r\nHost: a\r\n\r\n" % target)
        (answer,) = await wire.answers(1)
        assert answer["path"] == path

    played()


@pytest.mark.parametrize("begun", [b"", b"\r\n", b"GET /cold HTTP/1.1\r\nHost: a"])
def test_a_client_that_sends_no_request(short, begun):
    @on_a_wire
    async def played(wire):
        await wire.send(begun)
        answer = await wire.read()
        assert answer.partition(b"\r\n")[0] == (b"HTTP/1.1 408 Request Timeout" if begun else b"")

    played()


@pytest.mark.parametrize("drop", [b"x", b"\r\n"])
def test_a_client_that_sends_a_head_in_drops(short, drop):
    @on_a_wire
    async def played(wire):
        async def drip():
            while True:
                await wire.loop.sock_sendall(wire.client, drop)
                await asyncio.sleep(0.02)

        if drop == b"x":
            await wire.send(b"GET /cold?")
        dripping = asyncio.create_task(drip())
        answer = await wire.read()
        dripping.cancel()
        assert answer.startswith(b"HTTP/1.1 408 Request Timeout")

    played()


@pytest.mark.parametrize("path", [b"/hot", b"/cold"])
def test_an_idle_connection_is_closed(path):
    async def played(wire):
        await wire.send(b"GET %b HTTP/1.1\r\n" % path + LINES)
        if path == b"/hot":
            wire.tell(Answer())
        await wire.answers(1)
        assert await wire.read() == b""

    on_a_wire(played, keep_alive_s=SHORT_S)()


@on_a_wire
async def test_an_answer_may_take_its_time(wire):
    await wire.send(SLOW)
    for client in list(wire.connections._open):
        assert client.idle_since == float("inf")
    wire.application.goes_on.set()
    assert len(await wire.answers(1)) == 1


@pytest.mark.parametrize("drops", [False, True])
def test_the_rest_of_a_refused_body_may_not_take_long(short, drops):
    @on_a_wire
    async def played(wire):
        async def drip():
            while drops:
                await wire.loop.sock_sendall(wire.client, b"x")
                await asyncio.sleep(0.02)

        await wire.send(b"POST /refused HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nabc")
        assert len(await wire.answers(1)) == 1
        dripping = asyncio.create_task(drip())
        assert await wire.read() in {b"", b"RESET"}
        dripping.cancel()

    played()


@on_a_wire
async def test_a_connection_is_used_again_after_the_rest_of_a_refused_body(wire):
    await wire.send(b"POST /refused HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc")
    await wire.answers(1)
    await wire.send(b"def" + COLD)
    assert [each["path"] for each in await wire.answers(1)] == ["/cold"]


HALF_CLOSED = {
    "for the lane": (PLAIN, ["hot"]),
    "for Django": (SLOW, ["/cold/slow"]),
    "several": (SLOW + COLD + PLAIN, ["/cold/slow", "/cold", "hot"]),
}


@pytest.mark.parametrize(("requests", "expected"), HALF_CLOSED.values(), ids=HALF_CLOSED)
def test_a_client_that_sends_no_more_gets_its_answers(requests, expected):
    @on_a_wire
    async def played(wire):
        await wire.send(requests)
        wire.client.shutdown(socket.SHUT_WR)
        await asyncio.sleep(0.02)
        wire.application.goes_on.set()
        for _ in expected:
            await asyncio.sleep(0.02)
            if wire.waiting:
                wire.tell(Answer())
        answers = await wire.answers(len(expected))
        assert [each if each == "hot" else each["path"] for each in answers] == expected
        assert await wire.read() == b""

    played()


@on_a_wire
async def test_a_client_that_ends_within_a_request_is_forgotten(wire):
    for begun in (b"GET /cold HTTP/1.1\r\n", b"POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc"):
        wire.client = await wire.connect()
        await wire.send(begun)
        wire.client.shutdown(socket.SHUT_WR)
        assert await wire.read() == b""


@on_a_wire
async def test_a_worker_that_drains_answers_first(wire):
    slow, idle = wire.client, await wire.connect()
    await wire.send(SLOW)
    wire.connections.draining = True
    wire.client = idle
    await wire.send(PLAIN)
    wire.tell(Answer())
    hot = await wire.read()
    assert b"connection: close\r\n" in hot
    assert hot.endswith(b'"hot"')
    wire.client = slow
    wire.application.goes_on.set()
    answer = await wire.read()
    assert b"connection: close\r\n" in answer
    assert body_of(answer)["path"] == "/cold/slow"


@on_a_wire
async def test_idle_connections_are_closed_at_the_end(wire):
    wire.connections.draining = True
    await asyncio.sleep(0.02)
    assert len(wire.connections) == 1
    wire.connections.close_idle()
    assert await wire.read() == b""
    assert len(wire.connections) == 0


@on_a_wire
async def test_an_upgrade_is_not_made(wire):
    upgrade = COLD.replace(b"\r\n\r\n", b"\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n")
    await wire.send(upgrade + b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    answer = await wire.read()
    assert answer.count(b"HTTP/1.1") == 1
    assert b"connection: close" in answer
