"""Requests that the protocol offers to the hot lane without httptools; each client gets the answers to its requests."""

import asyncio

import pytest

from serving.http.connection import MAX_FAST_PATH_BYTES
from tests.support.wire import LINES, PLAIN, Answer, on_a_wire

pytestmark = pytest.mark.embedded


@on_a_wire
async def test_a_plain_request_is_the_lane_s(wire):
    for number in range(3):
        await wire.send(b"GET /hot?x=%d HTTP/1.1\r\n" % number + LINES)
        ((path, query, _, _),) = wire.application.asked
        assert (path, query) == ("/hot", b"x=%d" % number)
        wire.tell(Answer())
        assert await wire.answers(1) == ["hot"]


@on_a_wire
async def test_what_the_lane_does_not_answer_is_the_bridge_s(wire):
    await wire.send(b"GET /cold HTTP/1.1\r\n" + LINES)
    assert await wire.answers(1) == [{"path": "/cold", "body": "", "extra": {}}]
    await wire.send(PLAIN)
    wire.application.asked[0][2]["counted"] = 1
    wire.tell(None)
    assert await wire.answers(1) == [{"path": "/hot", "body": "", "extra": {"counted": 1}}]
    await wire.send(b"GET /cold HTTP/1.1\r\n" + LINES)
    assert await wire.answers(1) == [{"path": "/cold", "body": "", "extra": {}}]


@pytest.mark.parametrize("answer", [Answer(), None])
def test_requests_that_come_while_the_hot_lane_works_wait(answer):
    @on_a_wire
    async def played(wire):
        await wire.send(PLAIN)
        await wire.send(b"GET /cold/1 HTTP/1.1\r\n" + LINES)
        await wire.send(b"GET /cold/2 HTTP/1.1\r\n" + LINES[:9])
        await wire.send(LINES[9:] + PLAIN[:7])
        assert wire.waiting == ["/hot"]
        wire.tell(answer)
        found = await wire.answers(3)
        assert found[0] == "hot" if answer else found[0]["path"] == "/hot"
        assert [each["path"] for each in found[1:]] == ["/cold/1", "/cold/2"]
        await wire.send(PLAIN[7:])
        wire.tell(Answer())
        assert await wire.answers(1) == ["hot"]
        await wire.send(PLAIN)
        wire.tell(Answer())
        assert await wire.answers(1) == ["hot"]

    played()


@on_a_wire
async def test_a_body_that_looks_like_a_request_is_a_body(wire):
    await wire.send(b"POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(PLAIN))
    await wire.send(PLAIN)
    assert wire.waiting == []
    assert await wire.answers(1) == [{"path": "/form", "body": PLAIN.decode(), "extra": {}}]


@on_a_wire
async def test_a_chunk_that_looks_like_a_request_is_no_request(wire):
    head = b"POST /cold/refused HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    await wire.send(head + b"%x\r\n" % len(PLAIN))
    await wire.send(PLAIN)
    await wire.send(b"\r\n0\r\n\r\n" + PLAIN)
    assert wire.waiting == []
    answers = await wire.answers(2)
    assert answers[0]["path"] == "/cold/refused"
    assert answers[1] == ""


@on_a_wire
async def test_a_line_that_looks_like_a_request_is_a_header(wire):
    await wire.send(b"GET /cold HTTP/1.1\r\nX-Said: ")
    await wire.send(PLAIN)
    assert wire.waiting == []
    assert await wire.answers(1) == [{"path": "/cold", "body": "", "extra": {}}]


@on_a_wire
async def test_while_the_bridge_is_at_work_nobody_overtakes(wire):
    await wire.send(b"GET /slow HTTP/1.1\r\n" + LINES)
    wire.tell(None)
    await wire.send(PLAIN)
    assert wire.waiting == []
    wire.application.goes_on.set()
    assert [each["path"] for each in await wire.answers(1)] == ["/slow"]
    wire.tell(Answer())
    assert await wire.answers(1) == ["hot"]


@on_a_wire
async def test_requests_that_come_together_or_in_parts_are_the_lane_s(wire):
    await wire.send(b"\r\n" + PLAIN + PLAIN + PLAIN[:30])
    for _ in range(2):
        assert wire.waiting == ["/hot"]
        wire.tell(Answer())
        assert await wire.answers(1) == ["hot"]
    assert wire.waiting == []
    await wire.send(PLAIN[30:])
    assert wire.waiting == ["/hot"]


ODD = {
    "another method": PLAIN.replace(b"GET", b"HEAD"),
    "an older version": PLAIN.replace(b"/1.1", b"/1.0"),
    "an absolute address": PLAIN.replace(b"/hot", b"http://a/hot"),
    "a long head": PLAIN.replace(b"\r\n\r\n", b"\r\nX-Long: %b\r\n\r\n" % (b"x" * MAX_FAST_PATH_BYTES)),
    "a malformed head": PLAIN.replace(b"Host: a", b"Host a"),
    "a folded line": PLAIN.replace(b"Host: a", b"Host:\r\n a"),
    "bare line feeds": PLAIN.replace(b"\r\n", b"\n"),
    "a body": PLAIN.replace(b"\r\n\r\n", b"\r\nContent-Length: 1\r\n\r\n") + b"x",
    "a body that is to come": PLAIN.replace(b"\r\n\r\n", b"\r\nContent-Length: 1\r\n\r\n"),
    "chunks": PLAIN.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n"),
    "an upgrade": PLAIN.replace(b"\r\n\r\n", b"\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"),
}


@pytest.mark.parametrize("odd", ODD)
def test_what_is_odd_is_httptools(odd):
    @on_a_wire
    async def played(wire):
        await wire.send(ODD[odd])
        assert wire.waiting == []

    played()


@on_a_wire
async def test_a_client_that_wants_no_more_is_hung_up_on(wire):
    await wire.send(PLAIN.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    wire.tell(Answer())
    assert await wire.answers(2) == ["hot", ""]


@pytest.mark.parametrize("answer", [Answer(), None])
def test_a_server_that_ends_answers_first(answer):
    @on_a_wire
    async def played(wire):
        await wire.send(PLAIN)
        wire.connections.draining = True
        wire.tell(answer)
        first, second = await wire.answers(2)
        assert first == "hot" if answer else first["path"] == "/hot"
        assert second == ""

    played()


@pytest.mark.parametrize("answer", [Answer(), None])
def test_a_client_that_leaves_is_forgotten(answer):
    @on_a_wire
    async def played(wire):
        await wire.send(PLAIN)
        wire.client.close()
        await asyncio.sleep(0.02)
        wire.tell(answer)
        await asyncio.sleep(0.02)
        assert len(wire.connections) == 0

    played()


@on_a_wire
async def test_lines_are_read_once(wire):
    for _ in range(3):
        await wire.send(PLAIN.replace(b"Bearer b", b"Bearer once"))
        wire.tell(Answer())
        await wire.answers(1)
    assert len(wire.application.heads) == 1
