"""Behaviour 135: each rule of the protocol, broken on purpose, is found by the suite.

make test-faults ARGS="tests/faults/test_mutants.py -q -s"
"""

import os
import time

import pytest

from tests.faults import kinds
from tests.faults.mutants import MUTANTS

pytestmark = [
    pytest.mark.services,
    pytest.mark.skipif("FAULTS" not in os.environ, reason="make test-faults breaks the rules"),
]
ROUNDS = 2
LONGEST_S = 12.0  # of a fault: long enough for writes that begin after the breaker has opened


@pytest.fixture
def broken_site(site, request):
    """The installation, all of whose programs break the rule of the parameter."""
    for name in site.programs:
        site.restart(name, MUTANT=request.param)
    yield request.param
    for name in site.programs:
        site.restart(name)
    site.clear()


def have_faults(run, names):
    with run.load(accounts=24, writers=24, readers=6, pause_s=0.2):
        for _ in range(ROUNDS):
            for name in names:
                run.have(name)
            time.sleep(2)


@pytest.mark.parametrize("broken_site", MUTANTS, indirect=True)
def test_a_broken_rule_is_found(broken_site, run, monkeypatch):
    monkeypatch.setattr(kinds, "LONGEST_S", LONGEST_S)
    with pytest.raises(AssertionError, match="promises are broken") as found:
        have_faults(run, MUTANTS[broken_site].kinds)
    print(f"{broken_site}: {found.value}")
