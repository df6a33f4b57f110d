"""Behaviour 132: processes die by kill -9 at points of the protocol, over and over: nothing is lost, doubled or old.

CRASHES=1000 make test-faults ARGS="tests/faults/test_crashes.py -q -s"
"""

import os
import time
from collections import Counter

import pytest

from tests.faults.conftest import SEED
from tests.faults.injection import POINTS
from tests.faults.site import PROGRAMS

pytestmark = pytest.mark.services
CRASHES = int(os.environ.get("CRASHES", "300" if "FAULTS" in os.environ else "20"))
LONGEST_S = 1_200.0


def test_crashes_at_points_of_the_protocol(site, run, tmp_path):
    file = tmp_path / "crashes"
    file.touch()
    dying = {"CRASHES": str(file), "SEED": str(SEED)}
    began_s = time.monotonic()
    with run.load(pause_s=0.02):
        for name in PROGRAMS:
            site.restart(name, **dying)
        while len(crashes := file.read_text().splitlines()) < CRASHES:
            assert time.monotonic() < began_s + LONGEST_S
            if site.programs["worker"].process.poll() is not None:
                site.start("worker", **dying)
            time.sleep(0.2)
        for name in PROGRAMS:
            site.restart(name)
    print(f"{len(crashes)} crashes in {time.monotonic() - began_s:.0f} s:")
    for point, times in Counter(crashes).most_common():
        print(f"{times:5} {point}")
    assert CRASHES < 300 or {point.partition(" ")[2] for point in crashes} == {*POINTS}
