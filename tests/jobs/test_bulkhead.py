"""Behaviour 119: calls to a server that hangs end at their deadlines, and keep no more threads than there are calls."""

import threading
import time

import pytest
from django.db import connections

from jobs.bulkhead import Bulkhead
from tests.support.polling import wait_until

pytestmark = pytest.mark.embedded


@pytest.fixture
def server():
    """A server that hangs until its event `answers` is set; `calls` are the threads that have asked it."""
    server = HangingServer()
    yield server
    server.answers.set()


class HangingServer:
    def __init__(self):
        self.answers, self.calls = threading.Event(), []

    def ask(self):
        self.calls.append(threading.current_thread())
        assert self.answers.wait(30)
        return "pong"


def threads_of(name):
    return [thread for thread in threading.enumerate() if thread.name.startswith(name)]


def test_a_server_that_hangs_keeps_one_thread_for_each_call(server):
    bulkhead = Bulkhead("hangs", threads=3)
    for _ in range(20):
        for name in ("one", "two"):
            answer = bulkhead.begin(name, server.ask).answer(0.01)
            assert isinstance(answer.error, TimeoutError)
            assert str(answer.error) == "No answer within 0.01 s."
    assert len(threads_of("hangs")) == len(server.calls) == 2
    server.answers.set()
    assert bulkhead.begin("one", server.ask).answer(5).value == "pong"


def test_different_calls_without_end_keep_the_threads_that_there_are(server):
    bulkhead = Bulkhead("many", threads=2)
    for number in range(50):
        assert bulkhead.begin(str(number), server.ask).answer(0.001).error
    assert len(threads_of("many")) == len(server.calls) == 2
    assert len(bulkhead._begun) <= 3
    server.answers.set()
    wait_until(lambda: bulkhead.begin("new", server.ask).answer(1).value == "pong")
    assert len(server.calls) == 3  # what was given up before it began was never asked


def test_who_asks_later_has_the_whole_time(server):
    bulkhead = Bulkhead("later")
    assert bulkhead.begin("ask", server.ask).answer(0.05).error
    threading.Timer(0.2, server.answers.set).start()
    assert bulkhead.begin("ask", server.ask).answer(5).value == "pong"
    assert len(server.calls) == 1


def test_several_calls_have_one_deadline(server):
    bulkhead = Bulkhead("together", threads=5)
    begun = [bulkhead.begin(str(number), server.ask) for number in range(5)]
    began = time.monotonic()
    assert all(pending.answer(0.2).error for pending in begun)
    assert time.monotonic() - began < 0.2 * 3


def test_errors_are_answers_and_are_asked_again():
    bulkhead = Bulkhead("errors", fresh_s=60)
    answers = iter([ConnectionError("no"), "yes", "never asked"])

    def ask():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert str(bulkhead.begin("ask", ask).answer(5).error) == "no"
    assert [bulkhead.begin("ask", ask).answer(5).value for _ in range(3)] == ["yes"] * 3


def test_answers_grow_old():
    bulkhead, numbers = Bulkhead("old", fresh_s=0.05), iter(range(9))
    assert [bulkhead.begin("ask", lambda: next(numbers)).answer(5).value for _ in range(2)] == [0, 0]
    time.sleep(0.06)
    assert bulkhead.begin("ask", lambda: next(numbers)).answer(5).value == 1


@pytest.mark.django_db(transaction=True)
def test_connections_of_the_thread_are_closed():
    bulkhead = Bulkhead("connections")

    def connect():
        connections["default"].ensure_connection()
        return connections["default"]

    connection = bulkhead.begin("ask", connect).answer(5).value
    assert connection.connection is None
