"""The bridge between an ASGI server and a WSGI application: bodies, threads, streams, disconnected clients."""

import asyncio
import json
import threading
import time

import pytest
from django.core.exceptions import RequestDataTooBig

from serving.bridge.responses import PIECE_BYTES
from serving.bridge.wsgi import MAX_BUFFERED_BYTES, Bridge
from tests.support.asgi_client import CHUNK, Client, Streamed, answering, ask
from tests.support.asgi_server import scope_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]


@pytest.mark.parametrize("chunks", [0, 1, 2, 5])
def test_streams_short_and_long(chunks):
    answer = Streamed(chunks)

    async def run():
        client = Client()
        await ask(Bridge(answering(lambda _: answer), 1), client)
        return client

    client = asyncio.run(run())
    assert client.body == b"x" * CHUNK * chunks
    assert [message.get("more_body", False) for message in client.messages][-1] is False
    assert answer.closed.is_set()
    assert len(answer.threads) == 1  # a database connection belongs to one thread
    longest = max(len(message.get("body", b"")) for message in client.messages)
    assert (longest <= PIECE_BYTES) is (CHUNK * chunks < MAX_BUFFERED_BYTES)


def test_a_stream_ends_when_its_client_leaves():
    answer = Streamed(10_000)

    async def run():
        client = Client()
        client.slow_s = 0.01
        asked = asyncio.ensure_future(ask(Bridge(answering(lambda _: answer), 1), client))
        while len(client.messages) < 4:
            await asyncio.sleep(0.01)
        client.leave.set()
        await asyncio.wait_for(asked, 10)

    asyncio.run(run())
    assert answer.closed.is_set()
    assert answer.taken < 100


def test_who_leaves_before_the_body_is_there_asks_nobody():
    asked = []

    async def run():
        client = Client(b"half")
        client.whole = False
        client.leave.set()
        await ask(Bridge(answering(asked.append), 1), client, "POST", content_length="100")

    asyncio.run(run())
    assert asked == []


def test_no_more_threads_than_allowed():
    busy, most = [0], [0]
    lock = threading.Lock()

    def work(environ):
        with lock:
            busy[0] += 1
            most[0] = max(most[0], busy[0])
        time.sleep(0.01)
        with lock:
            busy[0] -= 1
        return [b"done"]

    async def run():
        bridge, clients = Bridge(answering(work), 3), [Client() for _ in range(20)]
        await asyncio.gather(*(ask(bridge, client) for client in clients))
        return {client.body for client in clients}

    assert asyncio.run(run()) == {b"done"}
    assert most == [3]


def test_a_body_too_large_is_taken_and_thrown_away(settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10

    def read(environ):
        with pytest.raises(RequestDataTooBig):
            environ["wsgi.input"].read()
        return [b"refused"]

    async def run():
        client = Client(b"x" * 10, b"x" * 10)
        await ask(Bridge(answering(read), 1), client, "POST", content_length="20")
        return client

    client = asyncio.run(run())
    assert (client.body, client._parts) == (b"refused", [])


def test_names_that_look_alike_are_not_mixed_up():
    seen = {}

    def look(environ):
        seen.update(environ)
        return [b""]

    async def run():
        scope = scope_of("/n%C3%B6%2Fx?a=%C3%B6&b", "GET", [("x-a", "1"), ("x_a", "2"), ("x-a", "3")])
        client = Client()
        await Bridge(answering(look), 1)(scope, client.receive, client.send)

    asyncio.run(run())
    assert seen["HTTP_X_A"] == "1,3"
    assert seen["PATH_INFO"] == "/n\xc3\xb6/x"
    assert seen["QUERY_STRING"] == "a=%C3%B6&b"


def test_an_error_of_the_application_is_a_500_in_the_log(caplog):
    def broken(environ):
        raise LookupError("broken")

    client = Client()
    asyncio.run(ask(Bridge(answering(broken), 1), client, X_Request_ID="find-me"))
    head = client.messages[0]
    assert (head["status"], dict(head["headers"])[b"x-request-id"]) == (500, b"find-me")
    assert json.loads(client.body)["code"] == "internal_error"
    (record,) = caplog.records
    assert (record.request_id, record.exc_info[0]) == ("find-me", LookupError)
