"""Behaviour 121: what is wrong shows in /metrics, on the operator's page and in the log in time, and its alert fires.

ROUNDS=5 gives the long form; -s prints the seconds.
"""

import itertools
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple

import pytest
import redis

from operations.watch import FIRST_S
from tests.metrics.scrapes import Scrape
from tests.operations import alerts
from tests.operations.system import System
from tests.support.polling import wait_until

pytestmark = [pytest.mark.services, pytest.mark.sampled]
ROUNDS = int(os.environ.get("ROUNDS", "1"))
AT_MOST_S = 15.0


class Fault(NamedTuple):
    """How a fault begins and ends, and how it shows in a scrape, on the page and in the log."""

    begin: Callable[[System], Callable[[], object]]
    """Begins it, and returns what ends it."""
    told: Callable[[Scrape], bool]
    page: str
    log: str
    alert: str
    fires_within_s: int = 25


def kill_the_worker(system):
    system.worker.process.kill()
    system.worker.process.wait()
    return system.start_worker


def freeze_the_database(system):
    system.mariadb.send_signal(signal.SIGSTOP)
    return lambda: system.mariadb.send_signal(signal.SIGCONT)


def fill_redis(system):
    numbers = itertools.count()
    with suppress(redis.exceptions.OutOfMemoryError):
        while True:
            system.redis.set(f"fill:{next(numbers)}", b"x" * 100_000)
    return lambda: system.redis.delete(*system.redis.keys("fill:*"))


def hold_the_roll_up_back(system):
    """Lock deltas, which the roll-up passes over."""
    lock = system.sql()
    cursor = lock.cursor()
    insert = "INSERT INTO counters_delta (kind, target_id, name, amount, created_at) VALUES ('user', 1, 'posts', 1, %s)"
    while not cursor.execute("SELECT id FROM counters_delta ORDER BY id FOR UPDATE"):
        cursor.execute(insert, [time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())])
        lock.commit()
    return lock.close


FAULTS = {
    "a lag that grows": Fault(
        hold_the_roll_up_back,
        lambda scrape: scrape.total("hotpath_job_pending_age_seconds", job_name="rollup") > 10,
        r"rollup +bad +late +1, the oldest for 1\d s",
        r"Not well: .*job rollup \(late, waiting: 1, the oldest for 1\d s\)",
        "HotpathJobLag",
    ),
    "a full Redis": Fault(
        fill_redis,
        lambda scrape: (
            scrape.total("hotpath_redis_memory_bytes") > 0.9 * scrape.total("hotpath_redis_memory_limit_bytes")
        ),
        r"Redis 127.0.0.1:\d+ +bad +master, memory \d+% of 16.0 MB \(noeviction\)",
        r"Not well: .*Redis 127.0.0.1:\d+ \(master, memory \d+% of 16.0 MB \(noeviction\)",
        "HotpathRedisRefusesWrites",
        fires_within_s=15,
    ),
    "a database that hangs": Fault(
        freeze_the_database,
        lambda scrape: scrape.total("hotpath_up", server="database") == 0,
        r"Database +bad +TimeoutError: No answer within",
        r"The database cannot be reached \(TimeoutError: No answer within",
        "HotpathDatabaseDown",
    ),
    "a killed worker": Fault(
        kill_the_worker,
        lambda scrape: scrape.total("hotpath_job_up") == 0,
        r"rollup +bad +stale",
        r"Not well: .*job rollup \(stale",
        "HotpathJobDead",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def system(tmp_path_factory) -> Iterator[System]:
    system = System(tmp_path_factory.mktemp("system"))
    try:
        time.sleep(max(0.0, system.up_at + FIRST_S + 1 - time.monotonic()))
        yield system
    finally:
        system.end()


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_fault_is_seen(system, name, number, tmp_path):
    fault = FAULTS[name]
    wait_until(lambda: is_well(system))
    healthy, before = system.scrape(), len(system.log())
    end = fault.begin(system)
    try:
        seen, scrapes = watch(fault, system, before)
    finally:
        end()
    fired = alerts.fires_after_s(fault.alert, healthy, scrapes, tmp_path) if alerts.can_evaluate() else None
    told = ", ".join(f"{place} {seconds:.1f} s" for place, seconds in seen.items())
    fires = f"fires after {fired} s" if alerts.can_evaluate() else "cannot be evaluated without promtool"
    print(f"\n{name}: {told}, {fault.alert} {fires}")
    assert max(seen.values()) < AT_MOST_S
    assert not alerts.can_evaluate() or (fired is not None and fired <= fault.fires_within_s)


def is_well(system: System) -> bool:
    up = system.scrape().named("hotpath_up") + system.scrape().named("hotpath_job_up")
    return all(sample.value for sample in up) and " bad " not in system.page()


def shows(fault: Fault, system: System, since: int) -> set[str]:
    """Return where a fault shows; in the log, behind `since`."""
    places = {
        "metrics": fault.told(system.scrape()),
        "page": re.search(fault.page, system.page()),
        "log": re.search(fault.log, system.log()[since:]),
    }
    return {place for place, shown in places.items() if shown}


def watch(fault: Fault, system: System, since: int) -> tuple[dict[str, float], list[Scrape]]:
    """Return after how many seconds a fault shows in each place, and the scrapes that Prometheus would have made."""
    began, seen, scrapes = time.monotonic(), {}, []
    while len(seen) < 3:
        passed = time.monotonic() - began
        assert passed < AT_MOST_S * 3, (seen, system.log()[since:], system.page())
        if passed >= len(scrapes) * alerts.EVERY_S:
            scrapes.append(system.scrape())
        for place in shows(fault, system, since):
            seen.setdefault(place, time.monotonic() - began)
    return seen, [*scrapes, system.scrape()]


def test_the_rules_ask_for_what_is_told(system):
    told = {family.name for family in system.scrape().families}
    for alert, expression in alerts.rules().items():
        assert alerts.families_in(expression) <= told, alert
