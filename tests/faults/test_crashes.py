"""Behaviour 132: processes die by kill -9 at points of the protocol, over and over: nothing is lost, doubled or old.

CRASHES=1000 make test-faults ARGS="tests/faults/test_crashes.py -q -s"
"""

import contextlib
import os
import time
from collections import Counter

import pytest

from tests.faults.conftest import SEED
from tests.faults.injection import POINTS
from tests.faults.site import PROGRAMS

pytestmark = pytest.mark.services
IS_LONG = "FAULTS" in os.environ
CRASHES = int(os.environ.get("CRASHES", "150" if IS_LONG else "8"))
ENOUGH = 300  # to come to each point
CUT_S = 0.3


@pytest.mark.parametrize(
    "beside", ["nothing else", pytest.param("cuts", marks=pytest.mark.skipif(not IS_LONG, reason="make test-faults"))]
)
def test_crashes_at_points_of_the_protocol(site, run, tmp_path, beside):
    file = tmp_path / "crashes"
    file.touch()
    began_s, cuts = time.monotonic(), 0
    with (
        run.load(pause_s=0.02),
        run.fault("cuts of links to Redis and the database") if beside == "cuts" else contextlib.nullcontext(),
    ):
        for name in PROGRAMS:
            start_dying(site, name, file)
        while len(crashes := file.read_text().splitlines()) + cuts < CRASHES:
            if site.programs["worker"].process.poll() is not None:
                start_dying(site, "worker", file)
            if beside == "cuts":
                cuts += cut_something(site, run.chance)
            time.sleep(run.chance.uniform(0, CUT_S))
        for name in PROGRAMS:
            site.restart(name)
    print(f"{len(crashes)} crashes and {cuts} cuts in {time.monotonic() - began_s:.0f} s")
    for point, times in Counter(crashes).most_common():
        print(f"{times:5} {point}")
    points = {point.partition(" ")[2] for point in crashes}
    assert CRASHES < ENOUGH or points >= {*POINTS["web"], *POINTS["worker"]}


def start_dying(site, name, file):
    process = "worker" if name == "worker" else "web"
    site.restart(name, CRASHES=str(file), CRASHING=process, SEED=str(SEED))


def cut_something(site, chance):
    """Cut a process off from a server for a moment, or break its connections; return the number of cuts."""
    link = chance.choice([*site.redis_links.values(), *site.database_links.values()])
    if chance.random() < 0.5:
        link.reset()
    else:
        with link.broken():
            time.sleep(chance.uniform(0, CUT_S))
    return 1
