"""While one process reaches Redis slowly, or not always, the others read its acknowledged writes within a second."""

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest

from devtools import servers
from launcher import embedded_redis
from loadtest.bench.latency_proxy import run_latency_proxy
from tests.support.programs import WEB, Program, environment, run
from tests.support.short_form import SHORT
from tests.support.visitor import Visitor

pytestmark = [pytest.mark.embedded, pytest.mark.sampled(8)]
ROUNDS = 8 if SHORT else 20
BOUND_S = 1.0
FAULTS = {"slow": 300, "too slow": 1_200, "half dead": 1}  # ms of a round trip; half dead: it is frozen at times


class Read(NamedTuple):
    sent_at: float
    number: int


@pytest.mark.parametrize("fault", FAULTS)
def test_reads_elsewhere_are_not_stale_for_longer_than_a_second(tmp_path, fault):
    port, redis = servers.start_redis(embedded_redis.redis_server(), tmp_path)
    with run_latency_proxy(port, round_trip_ms=FAULTS[fault]) as proxy:
        values = {"DEBUG": "0", "HTTPS": "off", "SECRET_KEY": "tests-only-" + "x" * 50, "THROTTLES": "off"}
        done = run(
            ("-m", "launcher.prepare"),
            environment(tmp_path / "data", **values, REDIS_URL=f"redis://127.0.0.1:{port}/0"),
        )
        assert done.returncode == 0, done.stderr
        webs = [
            Program(WEB, tmp_path / "data", **values, REDIS_URL=f"redis://127.0.0.1:{each}/0").wait_until_up()
            for each in (proxy.port, port)
        ]
        try:
            ages, reads = observe(*webs, proxy.pid if fault == "half dead" else None)
        finally:
            os.kill(proxy.pid, signal.SIGCONT)
            for web in webs:
                web.end(signal.SIGTERM)
    redis.kill()
    redis.wait()
    print(f"\n{fault}: {len(ages)} of {reads} reads were stale, by {max(ages, default=0):.2f} s at most")
    assert max(ages, default=0) < BOUND_S


def observe(slow: Program, direct: Program, frozen: int | None) -> tuple[list[float], int]:
    """Write by one server, and read by the other all the time; return how long after an acknowledgement each stale read
    was sent, and the number of all reads."""
    writer = Visitor(slow.port, "writer")
    reader = Visitor(direct.port, "reader")
    reads: list[Read] = []
    ended = threading.Event()

    def read_on() -> None:
        while not ended.is_set():
            sent_at = time.monotonic()
            found = reader.ask("GET", f"users/{writer.ids['own']}")
            if found.status == 200:
                reads.append(Read(sent_at, int(found.body["nickname"] or 0)))

    with in_background(read_on, ended):
        acknowledged = write(writer, frozen)
    for visitor in (writer, reader):
        visitor.leave()
    return stale(reads, acknowledged), len(reads)


@contextmanager
def in_background(call: Callable[[], None], ended: threading.Event) -> Iterator[None]:
    """Run a call in a thread during the block, at whose end it is told to end."""
    thread = threading.Thread(target=call)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def write(writer: Visitor, frozen: int | None) -> list[tuple[float, int]]:
    """Write numbers, and return each with the moment at which it was acknowledged; the process `frozen` is so around
    each write."""
    acknowledged = []
    for number in range(1, ROUNDS + 1):
        if frozen:
            threading.Timer(random.uniform(0, 0.01), os.kill, [frozen, signal.SIGSTOP]).start()
        if writer.ask("PATCH", "users/me", {"nickname": str(number)}).status == 200:
            acknowledged.append((time.monotonic(), number))
        time.sleep(random.uniform(0.3, 1.2))
        if frozen:
            os.kill(frozen, signal.SIGCONT)
            time.sleep(random.uniform(0.1, 0.6))
    assert len(acknowledged) > ROUNDS / 2
    return acknowledged


def stale(reads: list[Read], acknowledged: list[tuple[float, int]]) -> list[float]:
    """Return how long after an acknowledgement each read was sent that did not see it."""
    missed = [[at for at, number in acknowledged if at <= read.sent_at and number > read.number] for read in reads]
    return [read.sent_at - each[0] for read, each in zip(reads, missed, strict=True) if each]
