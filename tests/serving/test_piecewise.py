"""Responses that are made in pieces: no thread waits for their clients, and none of them is cut short unnoticed."""

import asyncio
import contextlib
import json
import signal
import socket
import sqlite3

import pytest

from serving.bridge import piecewise, wsgi
from serving.bridge.piecewise import MADE_BYTES
from serving.bridge.responses import PIECE_BYTES
from serving.bridge.wsgi import Bridge
from serving.requests.limits import SERVER_BUFFER_BYTES
from tests.support.asgi_client import CHUNK, Client, Streamed, answering, ask
from tests.support.web_servers import JSON, say

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded, pytest.mark.sampled]
POSTS, TEXT = 6_000, "é" * 1_000


class Piecewise(Streamed):
    is_piecewise = True


class Unreading(Client):
    async def send(self, message):
        await super().send(message)
        if len(self.messages) > 3:
            await asyncio.Event().wait()


@pytest.mark.parametrize("chunks", [0, 1, 5])
def test_all_of_it_is_sent(chunks):
    answer, client = Piecewise(chunks), Client()
    asyncio.run(ask(Bridge(answering(lambda _: answer), 2), client))
    assert client.body == b"x" * CHUNK * chunks
    assert [message.get("more_body", False) for message in client.messages][-1] is False
    assert max(len(message.get("body", b"")) for message in client.messages) <= PIECE_BYTES
    assert answer.closed.is_set()


def test_a_thread_is_free_while_clients_read():
    slow, quick, unread = [Piecewise(3) for _ in range(20)], Piecewise(0), iter(())

    async def run():
        waiting = [Unreading() for _ in slow]
        answers = iter([*slow, quick])
        bridge = Bridge(answering(lambda _: next(answers, unread)), 1)
        asked = [asyncio.ensure_future(ask(bridge, client)) for client in waiting]
        while not all(len(client.messages) > 3 for client in waiting):
            await asyncio.sleep(0.01)
        await asyncio.wait_for(ask(bridge, Client()), 5)
        for each in asked:
            each.cancel()
        await asyncio.wait(asked)

    asyncio.run(run())
    assert quick.closed.is_set()
    assert all(each.closed.is_set() for each in slow)


def test_who_does_not_read_is_left(monkeypatch):
    monkeypatch.setattr(piecewise, "WRITE_TIMEOUT_S", 0.1)
    answer, client = Piecewise(10), Unreading()
    asyncio.run(asyncio.wait_for(ask(Bridge(answering(lambda _: answer), 1), client), 5))
    assert answer.closed.is_set()
    assert answer.taken < 3
    assert client.messages[-1]["more_body"] is True


def test_who_leaves_ends_it():
    answer, client = Piecewise(10_000), Client()

    async def run():
        client.slow_s = 0.001
        asked = asyncio.ensure_future(ask(Bridge(answering(lambda _: answer), 1), client))
        while len(client.messages) < 4:
            await asyncio.sleep(0.001)
        client.leave.set()
        await asyncio.wait_for(asked, 10)

    asyncio.run(run())
    assert answer.closed.is_set()
    assert answer.taken < 100


def test_an_error_in_the_middle_leaves_it_incomplete():
    class Failing(Piecewise):
        def __iter__(self):
            yield b"x" * MADE_BYTES
            raise ZeroDivisionError

    answer, client = Failing(0), Client()
    with pytest.raises(ZeroDivisionError):
        asyncio.run(ask(Bridge(answering(lambda _: answer), 1), client))
    assert client.messages[-1]["more_body"] is True
    assert answer.closed.is_set()


def test_those_who_wait_longest_make_way(monkeypatch):
    monkeypatch.setattr(wsgi, "MAX_RESPONSES_BYTES", int(2.5 * (SERVER_BUFFER_BYTES + MADE_BYTES)))

    async def run():
        bridge = Bridge(answering(lambda _: Piecewise(3)), 1)
        asked = [asyncio.ensure_future(ask(bridge, Unreading())) for _ in range(3)]
        await asyncio.wait_for(asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED), 5)
        done = [each.done() for each in asked]
        for each in asked:
            each.cancel()
        await asyncio.wait(asked)
        return done

    assert asyncio.run(run()) == [True, False, False]


@pytest.fixture(scope="module")
def author(installation, account):
    """(access token, id) of a user with 12 MB of posts."""
    rows = ((account[1], TEXT, "2026-01-01 00:00:00") for _ in range(POSTS))
    with sqlite3.connect(installation.data / "hotpath.sqlite3") as database:
        database.executemany("INSERT INTO posts_post (author_id, text, created_at) VALUES (?, ?, ?)", rows)
    return account


def begin_export(port, token):
    """Return a connection whose client has read the status of an export and then pauses."""
    client = socket.socket()
    client.settimeout(20)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
    client.connect(("127.0.0.1", port))
    head = f"Host: localhost\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n"
    client.sendall(f"GET /api/v1/users/me/export HTTP/1.1\r\n{head}".encode())
    assert client.recv(15) == b"HTTP/1.1 200 OK"
    return client


def read_rest(client):
    rest = b""
    with contextlib.suppress(ConnectionResetError):
        while data := client.recv(1 << 20):
            rest += data
    return rest


def assert_whole(port, token):
    answer = say(port, "GET", "/api/v1/users/me/export", Authorization=f"Bearer {token}")
    assert answer.status == 200
    found = json.loads(answer.body)
    assert [len(found["posts"]), {post["text"] for post in found["posts"]}] == [POSTS, {TEXT}]


def test_threads_alone_send_a_whole_export(installation, author):
    assert_whole(installation.running[0].port, author[0])


@pytest.mark.parametrize("name", ["gunicorn", "granian"])
def test_slow_readers_hold_no_thread_and_ends_are_seen(installation, author, name):
    program = installation.start(name, THROTTLES="off", WEB_THREADS="1", WEB_WORKERS="1")
    assert_whole(program.port, author[0])
    slow = [begin_export(program.port, author[0]) for _ in range(5)]
    named = {"Authorization": f"Bearer {author[0]}", **JSON}
    assert say(program.port, "PATCH", "/api/v1/users/me/state", b"{}", **named).status == 200
    with sqlite3.connect(installation.data / "hotpath.sqlite3", timeout=20) as database:
        database.execute("UPDATE users_user SET is_active = 0")
    rest = read_rest(slow[0])
    with sqlite3.connect(installation.data / "hotpath.sqlite3", timeout=20) as database:
        database.execute("UPDATE users_user SET is_active = 1")
    assert len(rest) > 1_000_000  # it was not complete yet when the account ended
    assert not rest.endswith(b"0\r\n\r\n")
    for each in slow:
        each.close()
    program.end(signal.SIGTERM)
