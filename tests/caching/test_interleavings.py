"""The protocol explored on the real manager, with a real Redis and a real database."""

from types import SimpleNamespace

import pytest

from caching.conf import Conf
from caching.entries import id_sets
from caching.protocol import steps
from caching.redis.script import Script
from tests.caching.interleavings import (
    Action,
    Actor,
    HoldEvictingSchedule,
    Schedule,
    State,
    explore,
    read,
    read_in_old_snapshot,
    save,
    save_or_withdraw,
    stepwise,
    update,
    wander,
)
from tests.caching.set_interleavings import EvictingSchedule, HoldEvictingSetSchedule, SetSchedule, add, look, remove
from tests.testapp.models import Author

KEPT = "(string.match(entry or '', '|%d+$') or '')"  # the floor of a set that a hold keeps, in Lua


@pytest.fixture(autouse=True)
def one_row_stepwise(clean_cache, settings, monkeypatch):
    # On a busy machine a slow answer must not open the circuit breaker: that would be another schedule.
    location = settings.CACHES["default"]["LOCATION"] + "?socket_timeout=20"
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": location}}
    Author.objects.create(pk=1, name="v0", email="a@x")
    # Who finds a lease goes to the database at once: waiting adds time, not states.
    monkeypatch.setattr("caching.reading.reader.conf", lambda: Conf(lease_ms=0))
    stepwise(monkeypatch)


def altered(monkeypatch, name: str, rule: str, replacement: str, home=steps) -> None:
    source = getattr(home, name).source
    assert source.count(rule) == 1
    monkeypatch.setattr(home, name, Script(source.replace(rule, replacement)))


@pytest.mark.embedded  # the long one; shorter ones run on MariaDB too
def test_two_readers_and_two_writers_one_of_whom_may_crash():
    states, violations = explore([read, read, save, save], crashes=1)
    print(f"{len(states)} states explored, {len(violations)} stale")
    assert violations == []
    assert len(states) > 900


@pytest.mark.parametrize("writers", [(save, save_or_withdraw), (update, save), (update, update)])
def test_a_reader_and_two_writers_of_every_kind(writers):
    _, violations = explore([read, *writers], crashes=1)
    assert violations == []


def test_a_reader_whose_transaction_sees_an_old_snapshot():
    _, violations = explore([read_in_old_snapshot, read, save], crashes=1)
    assert violations == []


def test_random_longer_runs():
    bodies = [read, read, read, save, save_or_withdraw, update]
    assert wander(bodies, rounds=4, schedules=150, crashes=2, seed=20) == []


@pytest.mark.services  # the long one; shorter ones run on SQLite too
def test_an_id_set_with_two_readers_and_two_writers_one_of_whom_may_crash():
    states, violations = explore([look, look, add, add], crashes=1, of=SetSchedule)
    print(f"id set: {len(states)} states explored, {len(violations)} stale")
    assert violations == []
    assert len(states) > 1_000


def test_an_id_set_with_a_reader_and_two_writers():
    _, violations = explore([look, add, add], crashes=1, of=SetSchedule)
    assert violations == []


@pytest.mark.embedded  # evictions are Redis' alone
def test_an_id_set_with_an_addition_a_removal_and_evictions():
    _, violations = explore([look, add, remove], crashes=1, of=EvictingSchedule)
    assert violations == []


def test_a_row_whose_hold_may_be_evicted():
    _, violations = explore([read, save, save], of=HoldEvictingSchedule)
    assert violations == []


def test_an_id_set_whose_hold_may_be_evicted():
    _, violations = explore([look, add, remove], of=HoldEvictingSetSchedule)
    assert violations == []


@pytest.mark.embedded  # evictions are Redis' alone
def test_a_set_that_is_kept_by_whose_hold_came_later_fails(monkeypatch):
    """Its own hold was evicted before, and a reader has come in between."""
    altered(monkeypatch, "_change", "'H' .. claims, 'KEEPTTL'", f"'H' .. claims .. {KEPT}, 'KEEPTTL'")
    _, violations = explore([look, add, remove], stop_at_first=True, of=HoldEvictingSetSchedule)
    assert violations


@pytest.mark.services  # SQLite lets one writer begin at a time
def test_an_id_set_that_does_not_notice_the_second_writer_fails(monkeypatch):
    """Neither when that joins nor when the first one lifts; either alone would do, as long as nobody crashes."""
    altered(monkeypatch, "_change", "'H' .. claims, 'KEEPTTL'", f"'H' .. claims .. {KEPT}, 'KEEPTTL'")
    source = steps._hold.source
    joined = source.replace("local kept = ''", f"local kept = {KEPT}")
    assert joined != source
    monkeypatch.setattr(steps, "_hold", Script(joined))
    _, violations = explore([look, add, add], stop_at_first=True, of=SetSchedule)
    assert violations


def test_an_id_set_filled_without_the_token_check_fails(monkeypatch):
    altered(monkeypatch, "_load", "redis.call('GET', KEYS[1]) ~= ARGV[1]", "false", home=id_sets)
    _, violations = explore([look, add], stop_at_first=True, of=SetSchedule)
    assert violations


def test_without_the_token_check_it_fails(monkeypatch):
    altered(monkeypatch, "_fill", "redis.call('GET', key) ~= ARGV[1]", "false")
    _, violations = explore([read, save], stop_at_first=True)
    assert violations


@pytest.mark.services  # SQLite lets one writer begin at a time
def test_with_a_hold_that_forgets_the_earlier_writers_it_fails(monkeypatch):
    altered(monkeypatch, "_hold", "claims = claims .. claim", "claims = ''")
    _, violations = explore([read, save, save], crashes=1, stop_at_first=True)
    assert violations


def test_without_the_rule_that_transactions_never_fill_it_fails(monkeypatch):
    outside = SimpleNamespace(in_atomic_block=False)
    monkeypatch.setattr("caching.reading.reader.connections", {"default": outside})
    _, violations = explore([read_in_old_snapshot, save], stop_at_first=True)
    assert violations


class EveryPath(Schedule):
    """No two schedules meet, and no actor is taken for another."""

    def begin(self) -> None:
        self.path: tuple[Action, ...] = ()
        super().begin()

    def do(self, *action) -> None:
        self.path += (action,)
        super().do(*action)

    def state(self) -> State:
        return self.path, super().state()

    def moves(self) -> dict[Action, Action]:
        return {action: action for action in self.actions()}


class EverySetPath(EveryPath, SetSchedule):
    pass


@pytest.mark.parametrize(
    ("bodies", "of", "every"),
    [
        ([read, read], Schedule, EveryPath),
        ([read, save], Schedule, EveryPath),
        ([look, add], SetSchedule, EverySetPath),
    ],
)
def test_where_schedules_meet_no_state_gets_lost(bodies, of, every):
    merged, _ = explore(bodies, crashes=1, of=of)
    unmerged, _ = explore(bodies, crashes=1, of=every)
    assert merged.keys() == {state for _, state in unmerged}


class EveryOrder(Schedule):
    """No step is done at once."""

    def is_unnoticed(self, actor: Actor) -> bool:
        return False


def test_only_the_states_before_a_step_that_nobody_notices_are_passed_over():
    fewer, _ = explore([read, update, update], crashes=1)
    more, _ = explore([read, update, update], crashes=1, of=EveryOrder)
    before = {state for state in more if any(place[:1] == ("write",) for place in state[-3:])}
    assert before
    assert fewer.keys() == more.keys() - before


class Forgetful(Schedule):
    """Does not note which reader has the lease."""

    def look(self) -> None:
        super().look()
        for actor in self.actors:
            actor.leased = False


def test_a_state_that_does_not_tell_all_is_noticed():
    with pytest.raises(AssertionError, match="does not tell all"):
        explore([read, read, save], of=Forgetful)
