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


def test_crashes(site, run, tmp_path):
    """Nothing follows the binary log, which would end entries that are old."""
    crash(site, run, tmp_path / "crashes", CRASHES)


@pytest.mark.skipif(not IS_LONG, reason="make test-faults cuts links as well")
def test_crashes_and_cuts(site, run, tmp_path):
    points = crash(site, run, tmp_path / "crashes", CRASHES, has_cuts=True)
    assert CRASHES < ENOUGH or points >= {*POINTS["web"], *POINTS["worker"]}


def crash(site, run, file, number, *, has_cuts=False):
    """Have so many crashes under load, cuts among them; return the points at which processes died."""
    file.touch()
    began_s, cuts, follows = time.monotonic(), 0, "on" if has_cuts else "off"
    fault = run.fault("cuts of links to Redis and the database") if has_cuts else contextlib.nullcontext()
    with run.load(pause_s=0.02), fault:
        for name in PROGRAMS:
            start_dying(site, name, file, follows)
        while len(crashes := file.read_text().splitlines()) + cuts < number:
            if site.programs["worker"].process.poll() is not None:
                start_dying(site, "worker", file, follows)
            if has_cuts:
                cuts += cut_something(site, run.chance)
            time.sleep(run.chance.uniform(0, CUT_S))
        for name in PROGRAMS:
            site.restart(name)
    print(f"{len(crashes)} crashes and {cuts} cuts in {time.monotonic() - began_s:.0f} s")
    for point, times in Counter(crashes).most_common():
        print(f"{times:5} {point}")
    return {point.partition(" ")[2] for point in crashes}


def start_dying(site, name, file, follows):
    process = "worker" if name == "worker" else "web"
    site.restart(name, CRASHES=str(file), CRASHING=process, SEED=str(SEED), FOLLOWS=follows)


def cut_something(site, chance):
    """Cut a process off from a server for a moment, or break its connections; return the number of cuts."""
    link = chance.choice([*site.redis_links.values(), *site.database_links.values()])
    if chance.random() < 0.5:
        link.reset()
    else:
        with link.broken():
            time.sleep(chance.uniform(0, CUT_S))
    return 1
