"""Requests with small bodies that the protocol offers to the hot lane, and gives to the bridge as they were."""

import pytest

from tests.support.wire import LINES, PLAIN, Answer, on_a_wire

pytestmark = pytest.mark.embedded
BODY = b'{"score": 5}'


def request(body=BODY, path=b"/write", *lines, method=b"PUT"):
    own = [*lines, b"Content-Length: %d" % len(body), b"content-type: application/json"]
    return b"%b %b HTTP/1.1\r\n" % (method, path) + b"".join(b"%b\r\n" % line for line in own) + LINES + body


@on_a_wire
async def test_a_request_with_a_body_is_the_lane_s(wire):
    for method, body in ((b"PUT", BODY), (b"POST", b"{}"), (b"DELETE", b"")):
        await wire.send(request(body, method=method))
        assert wire.application.bodies == [(method.decode(), body)]
        wire.tell(Answer())
        assert await wire.answers(1) == ["hot"]
        wire.application.bodies.clear()
    assert {tuple(head) for head in wire.application.heads} == {tuple(wire.application.heads[0])}, "one set of headers"


@on_a_wire
async def test_what_the_lane_does_not_answer_comes_to_the_bridge_as_it_was(wire):
    await wire.send(request())
    wire.tell(None)
    assert await wire.answers(1) == [{"path": "/write", "body": BODY.decode(), "extra": {}}]
    await wire.send(request(path=b"/cold"))
    assert await wire.answers(1) == [{"path": "/cold", "body": BODY.decode(), "extra": {}}]
    await wire.send(PLAIN)
    wire.tell(Answer())
    assert await wire.answers(1) == ["hot"]


@on_a_wire
async def test_bodies_in_parts_are_the_bridge_s(wire):
    await wire.send(request()[:-4])
    await wire.send(request()[-4:])
    assert await wire.answers(1) == [{"path": "/write", "body": BODY.decode(), "extra": {}}]
    assert wire.application.bodies == []


@on_a_wire
async def test_requests_that_come_together_wait(wire):
    await wire.send(request(b"") + request(b""))
    for _ in range(2):
        wire.tell(Answer())
        assert await wire.answers(1) == ["hot"]


ODD = {
    "a length twice": request(BODY, b"/write", b"Content-Length: 12"),
    "no JSON": request().replace(b"application/json", b"text/plain"),
    "another method": request(method=b"PATCH"),
}


@pytest.mark.parametrize("data", ODD.values(), ids=ODD)
def test_odd_requests_are_not_the_lane_s(data):
    @on_a_wire
    async def played(wire):
        await wire.send(data)
        await wire.answers(1)
        assert wire.application.bodies == []

    played()
