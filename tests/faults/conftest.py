"""One installation for all tests of a process, and runs on it: a load, faults, and the verdict."""

import contextlib
import os
import random
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults.history import History
from tests.faults.kinds import KINDS
from tests.faults.site import Players, Site
from tests.faults.verdict import Fault, find_broken_promises, greatest_staleness_s

SEED = int(os.environ.get("SEED") or random.randrange(1_000_000))
SETTLED_S = 30  # in which the worker catches up after a load


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    started = Site(tmp_path_factory.mktemp("site"))
    yield started
    started.end()


class Run:
    """A load on an installation, during which faults are brought about."""

    def __init__(self, site: Site, name: str) -> None:
        self.site = site
        self.faults: list[Fault] = []
        self.chance = random.Random(f"{SEED} {name}")
        self.history: History

    @contextlib.contextmanager
    def load(self, **options: Any) -> Iterator[None]:
        """Have players at work during the block; then AssertionError with all promises that were broken."""
        players = Players(self.site, seed=SEED, **options)
        with players:
            time.sleep(1)
            yield
            time.sleep(2)
        self.history = players.history()
        broken = self._judge(players.game.accounts)
        age_s, old = greatest_staleness_s(self.history)
        writes = sum(each.kind == "write" for all_of in self.history.registers.values() for each in all_of)
        print(
            f"\n{len(self.history.requests)} requests, {writes} writes, {len(self.faults)} faults: "
            f"{old} old answers, by {age_s:.2f} s at most (SEED={SEED})"
        )
        shown = [f"{len(broken)} promises are broken (SEED={SEED})", *broken[:5], "Faults:", *map(str, self.faults)]
        assert not broken, "\n".join(shown)

    @contextlib.contextmanager
    def fault(self, name: str) -> Iterator[float]:
        """Note that a fault lasts as long as the block; yields when it begins."""
        begin_s = time.monotonic()
        yield begin_s
        self.faults.append(Fault(name, begin_s, time.monotonic()))

    def have(self, name: str) -> None:
        """Bring a fault about, and return when it is over."""
        with self.fault(name), KINDS[name](self.site, self.chance):
            pass

    def _judge(self, accounts: list[tuple[int, str]]) -> list[str]:
        deadline_s = time.monotonic() + SETTLED_S
        while not (is_settled := self.site.is_settled()) and time.monotonic() < deadline_s:
            time.sleep(0.1)
        at_s = time.monotonic()
        late = [] if is_settled else [f"the worker has not caught up within {SETTLED_S} s"]
        wrong = self.site.wrong_answers(accounts)
        return late + wrong + find_broken_promises(self.history, self.site.truth(), self.faults, at_s)


@pytest.fixture
def run(site: Site, request: Any) -> Run:
    return Run(site, request.node.name)
