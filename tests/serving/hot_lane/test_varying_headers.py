"""Headers that differ with every request neither cost the lane what it remembers, nor fill it."""

import re

import pytest

from api import request_ids
from caching.recent import Recent
from serving.http import headers
from tests.support.asgi_server import login

pytestmark = [pytest.mark.embedded, pytest.mark.django_db(transaction=True)]
USUAL = b"Host: a\r\nUser-Agent: x\r\nAuthorization: Bearer b\r\n"
VARYING = [
    b"X-Request-ID: %d\r\n", b"x-request-id:%d\r\n", b"traceparent: 00-%032d-01\r\n", b"tracestate: a=%d\r\n",
    b"B3: %d-1\r\n", b"X-B3-TraceId: %d\r\nX-B3-SpanId: %d\r\n", b"X-Request-ID: %d\r\ntraceparent: 00-%d-01\r\n",
    b"X-Amzn-Trace-Id: Root=1-%d\r\nX-Request-ID: %d\r\n",
]  # fmt: skip


class Lane:
    """A hot lane that counts what it parses."""

    def __init__(self):
        self.parsed = []

    def parse_headers(self, scheme, raw):
        self.parsed.append(raw)
        return raw


@pytest.fixture
def lane_of_its_own(monkeypatch):
    monkeypatch.setattr(headers, "_cached", Recent(headers.MAX_CACHED))
    return Lane()


def with_number(lines, number):
    return re.sub(rb"%0?[0-9]*d", b"%d" % number, lines)


@pytest.mark.parametrize("place", ["first", "last", "apart"])
@pytest.mark.parametrize("varying", VARYING)
def test_they_are_parsed_once(lane_of_its_own, varying, place):
    for number in range(1_000, 1_100):
        lines = with_number(varying, number)
        head = {"first": lines + USUAL, "last": USUAL + lines, "apart": b"tracestate: z\r\n" + USUAL + lines}[place]
        if place == "apart" and b"tracestate" in varying:
            head = b"baggage: z\r\n" + USUAL + lines
        found, request_id = headers.parse(lane_of_its_own, "http", head + b"\r\n")
        assert dict(found.parsed) == {b"host": b"a", b"user-agent": b"x", b"authorization": b"Bearer b"}
        assert request_id == str(number) or b"equest" not in varying
    assert len(lane_of_its_own.parsed) == headers._cached.kept() == 1


def test_an_id_that_is_none_gets_another(lane_of_its_own):
    given = [b"", b" ", b"a b", b"x" * 65, b"a,b", b"\"'", b"a/b", b"x" * 64, b"A-z_0.9"]
    found = [headers.parse(lane_of_its_own, "http", USUAL + b"X-Request-ID: %b\r\n\r\n" % each)[1] for each in given]
    assert found[-2:] == ["x" * 64, "A-z_0.9"]
    assert len(set(found)) == len(given)
    assert all(re.fullmatch("[A-Za-z0-9._-]{1,64}", each) for each in found)


ODD = {
    "twice": b"X-Request-ID: 1\r\nX-Request-ID: 2\r\n", "a fold": b"X-Request-ID: 1\r\n 2\r\n",
    "a fold after a trace": b"traceparent: 1\r\n\tx\r\n", "a carriage return": b"traceparent: 1\r2\r\n",
    "a line feed": b"traceparent: 1\nTransfer-Encoding: chunked\r\n", "NUL": b"X-Request-ID: 1\0\r\n",
    "not ASCII": b"X-Request-ID: \xe9\r\n", "a blank before the colon": b"X-Request-ID : 1\r\n",
    "no colon": b"X-Request-ID\r\n", "the end of another name": b"Xx-request-id: 1\r\nExpect: 200-ok\r\n",
}  # fmt: skip


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_what_is_odd_is_not_the_lane_s(lane_of_its_own, odd):
    """Also where a usual request of the same length has shown the place of what varies."""
    for usual in (b"X-Request-ID: ", b"traceparent: "):
        if (padding := len(odd) - len(usual) - 2) > 0:
            headers.parse(lane_of_its_own, "http", USUAL + usual + b"1" * padding + b"\r\n\r\n")
            headers.parse(lane_of_its_own, "http", usual + b"1" * padding + b"\r\n" + USUAL + b"\r\n")
    for head in (USUAL + odd, odd + USUAL):
        try:
            found, _ = headers.parse(lane_of_its_own, "http", head + b"\r\n")
        except headers.UnsupportedHeaders:
            continue
        assert b"expect" in dict(found.parsed)  # as a header like any other, for the lane to judge


def test_what_follows_the_head_is_no_header(lane_of_its_own):
    headers.parse(lane_of_its_own, "http", USUAL + b"X-Request-ID: 1\r\n\r\n")
    with pytest.raises(headers.UnsupportedHeaders):
        headers.parse(lane_of_its_own, "http", USUAL + b"\r\nX-Request-ID: 1\r\n")


def test_what_is_used_stays():
    recent = Recent(10)
    recent.put("used", 1)
    for number in range(1_000):
        recent.put(number, number)
        assert (recent["used"], recent[number]) == (1, number)
        assert recent.kept() <= 10
    assert recent[0] is None


def test_both_lanes_remember_one_set(lane, alice):
    path, remembered = f"/api/v1/users/{alice.pk}", lane.application._parsed_headers
    before, own = remembered.kept(), login(alice)
    for number in range(50):
        varying = [("x-request-id", f"a.{number}"), ("traceparent", f"00-{number:032}-01"), ("b3", str(number))]
        reply = lane.ask(path, headers=[*own, *varying])
        assert (reply.by_lane, reply.headers["x-request-id"]) == (True, f"a.{number}")
    assert remembered.kept() == before + 1


def test_ids_are_of_one_request_each():
    made = {request_ids.new() for _ in range(1_000)}
    assert len(made) == 1_000
