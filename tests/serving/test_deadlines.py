"""Requests that hang are answered 503 by their deadline, and those that would wait for long at once."""

import asyncio
import http.client
import time
from collections.abc import Callable
from contextlib import closing
from threading import Event
from typing import NamedTuple

import pytest

from serving.bridge.threads import MAX_QUEUE_SHARE, ThreadPool
from tests.serving.supervised import variables
from tests.support.programs import WEB, Program
from tests.support.threads import in_parallel

pytestmark = [pytest.mark.embedded, pytest.mark.every_server, pytest.mark.usefixtures("without_demo_data")]
DEADLINE_S, LONG_DEADLINE_S, SLACK_S = 2, 6, 1.0
THREADS, SLOW_S = 2, 0.1
CLIENTS, OVERLOADED_S = 160, 8  # who keep the threads busy for 8 s, with what they ask for at once


class Answer(NamedTuple):
    status: int
    retry_after: str | None
    took_s: float


@pytest.fixture(params=["gunicorn", "granian"])
def start(program, request) -> Callable[..., Program]:
    """start(**environment): a server of one worker with two threads, in which views fail as they are told."""
    faulty = {"DJANGO_SETTINGS_MODULE": "tests.serving.faulty_settings", "WEB_THREADS": str(THREADS)}
    return lambda **values: program(
        WEB, **{**variables(request.param), **faulty, "WEB_WORKERS": "1", **values}
    ).wait_until_up()


def ask(port: int, fault: str, path: str = "/api/docs", limit_s: float = 60) -> Answer:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=limit_s)) as connection:
        began = time.monotonic()
        connection.request("GET", path, headers={"Host": "localhost", "X-Fault": fault})
        reply = connection.getresponse()
        reply.read()
        return Answer(reply.status, reply.getheader("retry-after"), time.monotonic() - began)


def test_whoever_waits_for_what_hangs_is_answered_by_the_deadline(start):
    web = start(WEB_DEADLINE_S=str(DEADLINE_S))
    answers = in_parallel(*[lambda: ask(web.port, "hang")] * (5 * THREADS))
    assert {(each.status, each.retry_after) for each in answers} == {(503, "2")}
    assert max(each.took_s for each in answers) < DEADLINE_S + SLACK_S
    began = time.monotonic()
    assert web.ask("/healthz").status == 200
    assert time.monotonic() - began < SLACK_S


def test_the_admin_has_longer(start):
    web = start(WEB_DEADLINE_S="1")
    with pytest.raises(TimeoutError):
        ask(web.port, "hang", "/admin/login/", limit_s=1 + SLACK_S)


def test_what_was_given_up_before_it_began_is_not_done():
    release, done = Event(), []

    async def give_up():
        pool = ThreadPool(1, lambda outcome: False)
        at_work, given_up = pool.run(release.wait), pool.run(done.append, "given up")
        given_up.cancel()
        release.set()
        await at_work
        await pool.run(done.append, "wanted")

    asyncio.run(give_up())
    assert done == ["wanted"]


def test_of_ten_times_too_many_requests_some_are_answered_in_time_and_the_others_refused_at_once(start):
    web = start(WEB_DEADLINE_S=str(LONG_DEADLINE_S))
    ended, answers = Event(), []

    def insist():
        while not ended.is_set():
            answers.append(answer := ask(web.port, "slow"))
            if answer.status == 503:
                ended.wait(0.5)

    def end():
        time.sleep(OVERLOADED_S)
        ended.set()

    in_parallel(*[insist] * CLIENTS, end)
    taken = [each for each in answers if each.status == 200]
    refused = [each for each in answers if each.status == 503]
    print(f"{len(taken)} taken, the slowest {max(each.took_s for each in taken):.1f} s; {len(refused)} refused,"
          f" the slowest {max(each.took_s for each in refused):.2f} s")  # fmt: skip
    assert len(taken) + len(refused) == len(answers)
    assert {each.retry_after for each in refused} == {"2"}
    assert len(taken) > OVERLOADED_S / SLOW_S * THREADS / 2  # the threads have not idled
    assert sorted(each.took_s for each in taken)[int(len(taken) * 0.99)] < MAX_QUEUE_SHARE * LONG_DEADLINE_S + SLACK_S
    assert sorted(each.took_s for each in refused)[int(len(refused) * 0.95)] < SLACK_S
