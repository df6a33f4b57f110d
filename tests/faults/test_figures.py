"""Behaviours 133 and 134, with figures: Redis or the database is away for ten seconds under load.

make test-faults ARGS="tests/faults/test_figures.py -q -s"

Times are printed, and mean something on a machine that does nothing else; exactness is asserted.
"""

import os
import signal
import time
from statistics import quantiles

import pytest

pytestmark = [
    pytest.mark.services,
    pytest.mark.skipif("FAULTS" not in os.environ, reason="make test-faults measures"),
]
AWAY_S = 10.0
BEFORE_S, AFTER_S = 8.0, 6.0
NORMAL_S = 2.0
LATEST_S = 3.0  # in which others are told of a database that is away


class Times:
    """The moments of a run: begun before the fault, during it, and once all should be normal again."""

    def __init__(self, begin_s, end_s):
        self.phases = {
            "before": (0.0, begin_s), "during": (begin_s, end_s), "up to 2 s after": (end_s, end_s + NORMAL_S),
            "later": (end_s + NORMAL_S, float("inf")),
        }  # fmt: skip

    def of(self, phase, requests):
        begin_s, end_s = self.phases[phase]
        return [each for each in requests if begin_s <= each.begin_s < end_s]

    def show(self, what, requests):
        for phase in self.phases:
            those = self.of(phase, requests)
            took = [1000 * (each.end_s - each.begin_s) for each in those] or [0.0]
            p99 = quantiles([*took, *took], n=100)[98]
            failed = sum(not 200 <= each.status < 500 for each in those)
            print(f"  {what:24} {phase:16} {len(those):6} requests, {failed:4} without success, p99 {p99:8.1f} ms, "
                  f"longest {max(took):8.1f} ms")  # fmt: skip


def test_redis_is_dead_for_ten_seconds(site, run):
    with run.load(pause_s=0.1):
        time.sleep(BEFORE_S)
        with run.fault("Redis is killed") as begin_s:
            site.redis.kill()
            time.sleep(AWAY_S)
            site.redis.start()
        end_s = time.monotonic()
        time.sleep(AFTER_S)
    requests = run.history.requests
    times = Times(begin_s, end_s)
    times.show("reads", [each for each in requests if each.is_read])
    times.show("everything else", [each for each in requests if not each.is_read])
    refused = {each.kind for each in requests if not 200 <= each.status < 500}
    assert refused <= {"click"}  # an event that cannot be kept is not taken


@pytest.mark.parametrize("how", ["killed", "hangs"])
def test_the_database_is_away_for_ten_seconds(site, run, how):
    with run.load(pause_s=0.1):
        time.sleep(BEFORE_S)
        processes = {name: set(program.processes()) for name, program in site.programs.items()}
        with run.fault(f"the database {how}") as begin_s:
            if how == "hangs":
                os.kill(site.mariadb.pid, signal.SIGSTOP)
                time.sleep(AWAY_S)
                os.kill(site.mariadb.pid, signal.SIGCONT)
            else:
                site.kill_database()
                time.sleep(AWAY_S)
                site.start_database()
        end_s = time.monotonic()
        time.sleep(AFTER_S)
        assert {name: set(program.processes()) for name, program in site.programs.items()} == processes
    requests = run.history.requests
    times = Times(begin_s, end_s)
    times.show("reads of readers", [each for each in requests if each.is_read and each.process.startswith("reader")])
    times.show("everything else", [each for each in requests if not each.is_read])
    refused = [each for each in times.of("during", requests) if not 200 <= each.status < 500]
    late = [each for each in refused if each.end_s - each.begin_s > LATEST_S]
    print(f"  {len(refused)} refused, {len(late)} of them later than {LATEST_S:.0f} s")
    assert {(each.status, bool(each.retry_after)) for each in refused} <= {(503, True)}
    assert {each.status for each in times.of("later", requests) if each.status >= 500} == set()
