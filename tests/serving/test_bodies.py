"""Bodies and responses at the bridge: deadlines, the memory of all of them together, requests that break a rule."""

import asyncio
import json
import time

import pytest

from serving.bridge import bodies, responses, wsgi
from serving.bridge.responses import MAX_WHOLE_BYTES
from serving.bridge.wsgi import Bridge
from serving.requests.limits import SERVER_BUFFER_BYTES
from serving.requests.memory_budget import MemoryBudget
from tests.support.asgi_client import CHUNK, Client, Streamed, answering, ask
from tests.support.asgi_server import scope_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]


class DrippingClient(Client):
    """Sends one byte every 20 ms, for ever."""

    async def receive(self):
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b"x", "more_body": True}


class UnreadingClient(Client):
    """Reads a part of the response, and then nothing more."""

    async def send(self, message):
        await super().send(message)
        if len(self.messages) > 2:
            await asyncio.Event().wait()


def half_body(*parts: bytes) -> Client:
    client = Client(*(parts or (b"half",)))
    client.whole = False
    return client


def answer_of(client):
    return client.messages[0]["status"], dict(client.messages[0]["headers"]), client.body


def echo(environ):
    return [environ["wsgi.input"].read()]


@pytest.mark.parametrize("client", [half_body(), DrippingClient()])
def test_a_body_that_does_not_arrive_in_time_is_answered_408(monkeypatch, client):
    monkeypatch.setattr(bodies, "BODY_PROGRESS_TIMEOUT_S", 0.1)
    monkeypatch.setattr(bodies, "body_deadline_s", lambda length: 0.3)
    began = time.monotonic()
    asyncio.run(ask(Bridge(answering(echo), 1), client, "POST", content_length="100000"))
    status, headers, body = answer_of(client)
    assert (status, headers[b"connection"], json.loads(body)["code"]) == (408, b"close", "request_timeout")
    assert time.monotonic() - began < 2


def test_a_refused_body_has_the_same_deadlines(monkeypatch, settings):
    monkeypatch.setattr(bodies, "BODY_PROGRESS_TIMEOUT_S", 0.1)
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    client = half_body()
    asyncio.run(ask(Bridge(answering(echo), 1), client, "POST", content_length="50"))
    assert answer_of(client)[0] == 408


def test_the_body_that_waits_longest_makes_way(monkeypatch):
    monkeypatch.setattr(wsgi, "MAX_BODIES_BYTES", 1000)

    async def run():
        bridge = Bridge(answering(echo), 1)
        slow = [half_body(b"x" * 300) for _ in range(3)]
        waiting = [asyncio.ensure_future(ask(bridge, each, "POST", content_length="400")) for each in slow]
        await asyncio.sleep(0.05)
        client = Client(b"y" * 200)
        await ask(bridge, client, "POST", content_length="200")
        await asyncio.sleep(0.05)
        assert [each.done() for each in waiting] == [True, False, False]
        for each in waiting[1:]:
            each.cancel()
        return slow[0], client

    first, client = asyncio.run(run())
    assert client.body == b"y" * 200
    status, headers, body = answer_of(first)
    assert (status, json.loads(body)["code"]) == (503, "too_busy")
    assert headers[b"retry-after"].isdigit()


def test_bodies_in_use_are_not_given_up(monkeypatch):
    monkeypatch.setattr(wsgi, "MAX_BODIES_BYTES", 1000)
    release = asyncio.Event()

    def work(environ):
        asyncio.run_coroutine_threadsafe(release.wait(), loop[0]).result()
        return echo(environ)

    loop = []

    async def run():
        loop.append(asyncio.get_running_loop())
        bridge, first, second = Bridge(answering(work), 1), Client(b"x" * 800), Client(b"y" * 800)
        working = asyncio.ensure_future(ask(bridge, first, "POST", content_length="800"))
        await asyncio.sleep(0.05)
        await ask(bridge, second, "POST", content_length="800")
        release.set()
        await working
        third = Client(b"z" * 800)
        await ask(bridge, third, "POST", content_length="800")
        return [answer_of(each)[0] for each in (first, second, third)]

    assert asyncio.run(run()) == [200, 503, 200]


def test_who_does_not_read_a_long_response_is_given_up(monkeypatch):
    monkeypatch.setattr(responses, "WRITE_TIMEOUT_S", 0.1)
    client = UnreadingClient()
    long = answering(lambda environ: _Whole([b"x" * 10 * MAX_WHOLE_BYTES]))
    asyncio.run(asyncio.wait_for(ask(Bridge(long, 1), client), 5))
    assert client.messages[-1]["more_body"] is True


class _Whole(list):
    streaming = False


def test_a_stream_that_nobody_reads_releases_its_thread(monkeypatch):
    monkeypatch.setattr(wsgi, "WRITE_TIMEOUT_S", 0.1)
    answer, client = Streamed(100), UnreadingClient()
    asyncio.run(asyncio.wait_for(ask(Bridge(answering(lambda environ: answer), 1), client), 5))
    assert answer.closed.is_set()
    assert answer.taken < 10
    assert len(client.body) < 10 * CHUNK


def test_long_responses_count_together(monkeypatch):
    body = b"x" * 2 * MAX_WHOLE_BYTES
    monkeypatch.setattr(wsgi, "MAX_RESPONSES_BYTES", int(2.5 * (len(body) + SERVER_BUFFER_BYTES)))

    async def run():
        bridge = Bridge(answering(lambda environ: _Whole([body])), 1)
        clients = [UnreadingClient() for _ in range(3)]
        asked = [asyncio.ensure_future(ask(bridge, client)) for client in clients]
        await asyncio.wait_for(asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED), 5)
        done = [each.done() for each in asked]
        for each in asked:
            each.cancel()
        return done

    assert asyncio.run(run()) == [True, False, False]  # the first had waited longest


def test_a_budget_forgets_what_is_closed():
    budget = MemoryBudget(10)
    for _ in range(100):
        share = budget.share(lambda: None)
        assert share.add(10)
        share.close()
        share.close()


@pytest.mark.parametrize(
    ("status", "change", "headers"),
    [
        (400, {"method": "get"}, []),
        (400, {"method": "CONNECT"}, []),
        (400, {"http_version": "1.2"}, []),
        (400, {}, [("host", "")]),
        (400, {"raw_path": b"x"}, []),
        (400, {"raw_path": b"/\xff"}, []),
        (400, {"raw_path": b"/<"}, []),
        (400, {"query_string": b'"'}, []),
        (400, {}, [("content-length", "+2")]),
        (400, {}, [("content-length", "2"), ("content-length", "2")]),
        (411, {}, [("transfer-encoding", "chunked")]),
        (417, {}, [("expect", "miracles")]),
        (431, {}, [(f"x-{number}", "1") for number in range(101)]),
        (431, {}, [("x-a", "1" * 70_000)]),
    ],
)
def test_requests_that_break_a_rule_never_reach_the_application(status, change, headers):
    asked, client = [], Client()
    scope = {**scope_of("/x", "GET", headers), **change}
    asyncio.run(Bridge(answering(asked.append), 1)(scope, client.receive, client.send))
    assert (answer_of(client)[0], asked) == (status, [])
    assert answer_of(client)[1][b"connection"] == b"close"


@pytest.mark.parametrize(
    ("change", "headers"),
    [
        ({"method": "OPTIONS", "path": "*", "raw_path": b"*"}, []),
        ({"raw_path": b"/x{|}^\\", "query_string": b"a=[1]|{}"}, []),
        ({}, [("content-length", "0")]),
        ({}, [("expect", "100-Continue")]),
    ],
)
def test_requests_that_look_odd_and_keep_the_rules(change, headers):
    client = Client()
    scope = {**scope_of("/x", "GET", headers), **change}
    asyncio.run(Bridge(answering(lambda environ: [b"served"]), 1)(scope, client.receive, client.send))
    assert client.body == b"served"


def test_blanks_around_a_value_are_not_part_of_it():
    seen, client = {}, Client()
    scope = scope_of("/x", "GET", [("authorization", "Bearer x \t")])
    asyncio.run(Bridge(answering(lambda environ: seen.update(environ) or [b""]), 1)(scope, client.receive, client.send))
    assert seen["HTTP_AUTHORIZATION"] == "Bearer x"
