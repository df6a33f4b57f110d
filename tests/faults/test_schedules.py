"""Behaviour 131: under a mixed load, whatever breaks: nothing old is read, nothing is lost, nothing is there twice.

make test-faults                                          all of it
SEED=7 make test-faults ARGS="tests/faults -q -s"         the schedules of that seed
make test-faults ARGS="tests/faults -k 'Redis and hangs'" one kind of fault
"""

import os
import time

import pytest

from tests.faults.kinds import KINDS

pytestmark = pytest.mark.services
IS_LONG = "FAULTS" in os.environ
ROUNDS = 2  # of one kind


@pytest.mark.skipif(not IS_LONG, reason="make test-faults has each kind of fault by itself")
@pytest.mark.parametrize("name", KINDS)
def test_one_kind(run, name):
    with run.load():
        for _ in range(ROUNDS):
            run.have(name)
            time.sleep(1)


@pytest.mark.parametrize("follows", ["on", "off"] if IS_LONG else ["off"])
def test_a_schedule_of_all_kinds(site, run, monkeypatch, follows):
    """`follows`: whether the worker follows the binary log, which would end entries that a fault leaves old."""
    names = list(KINDS)
    run.chance.shuffle(names)
    monkeypatch.setattr(site, "follows", follows)
    site.restart("worker")
    with run.load():
        for name in names if IS_LONG else names[:3]:
            run.have(name)
            time.sleep(run.chance.uniform(0, 2))
