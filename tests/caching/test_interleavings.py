"""The cache protocol under every interleaving of a few actors; see tests/caching/exploration.py."""

import os
from unittest import mock

import pytest

from caching.conf import Conf
from caching.connections import undecided
from caching.entries import id_sets
from caching.protocol import steps
from caching.protocol.agreement import agreement
from caching.redis.epochs import epochs
from caching.redis.script import Script
from caching.writing import transactions
from tests.caching.actors import Actor, read, read_in_old_snapshot, save, save_or_withdraw, stepwise, update
from tests.caching.exploration import explore, wander
from tests.caching.failover_schedules import FailoverSchedule
from tests.caching.schedules import Action, HoldEvictingSchedule, Schedule, State
from tests.caching.set_schedules import EvictingSchedule, HoldEvictingSetSchedule, SetSchedule, add, look, remove
from tests.caching.undecided_schedules import UndecidedSchedule, clock, in_one_step, rename
from tests.testapp.models import Author

KEPT = "(string.match(entry or '', '|V%d+$') or '')"  # Lua: the floor of the set that a hold keeps


@pytest.fixture(autouse=True)
def one_row_stepwise(clean_cache, settings, monkeypatch):
    # A slow reply on a busy machine must not open the circuit breaker, which would change the schedule.
    location = settings.CACHES["default"]["LOCATION"] + "?socket_timeout=20"
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": location}}
    Author.objects.create(pk=1, name="v0", email="a@x")
    # A reader that finds a lease reads the database at once: waiting would add time, not states.
    monkeypatch.setattr("caching.reading.reader.conf", lambda: Conf(lease_ms=0))
    stepwise(monkeypatch)


def altered(monkeypatch, name: str, rule: str, replacement: str, home=steps) -> None:
    source = getattr(home, name).source
    assert source.count(rule) == 1
    monkeypatch.setattr(home, name, Script(source.replace(rule, replacement)))


@pytest.mark.sampled
@pytest.mark.embedded  # the longest case; shorter cases run on MariaDB, too
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


@pytest.mark.sampled
@pytest.mark.services  # the longest case; shorter cases run on SQLite, too
def test_an_id_set_with_two_readers_and_two_writers_one_of_whom_may_crash():
    states, violations = explore([look, look, add, add], crashes=1, of=SetSchedule)
    print(f"id set: {len(states)} states explored, {len(violations)} stale")
    assert violations == []
    assert len(states) > 1_000


def test_an_id_set_with_a_reader_and_two_writers():
    _, violations = explore([look, add, add], crashes=1, of=SetSchedule)
    assert violations == []


@pytest.mark.sampled
@pytest.mark.embedded  # evictions do not depend on the database
def test_an_id_set_with_an_addition_a_removal_and_evictions():
    _, violations = explore([look, add, remove], crashes=1, of=EvictingSchedule)
    assert violations == []


def test_a_row_whose_hold_may_be_evicted():
    _, violations = explore([read, save, save], of=HoldEvictingSchedule)
    assert violations == []


@pytest.mark.sampled
def test_an_id_set_whose_hold_may_be_evicted():
    _, violations = explore([look, add, remove], of=HoldEvictingSetSchedule)
    assert violations == []


@pytest.mark.sampled
@pytest.mark.one_redis
@pytest.mark.embedded  # evictions do not depend on the database
def test_a_set_that_is_kept_by_whose_hold_came_later_fails(monkeypatch):
    """A writer whose own hold was evicted joins a later hold, and a reader has filled in between."""
    altered(monkeypatch, "_change", "'H' .. claims, 'KEEPTTL'", f"'H' .. claims .. {KEPT}, 'KEEPTTL'")
    _, violations = explore([look, add, remove], stop_at_first=True, of=HoldEvictingSetSchedule)
    assert violations


@pytest.mark.services  # SQLite has one writer at a time
def test_an_id_set_that_does_not_notice_the_second_writer_fails(monkeypatch):
    """The protocol without both precautions (on joining a hold and on lifting it); without crashes one suffices."""
    altered(monkeypatch, "_change", "'H' .. claims, 'KEEPTTL'", f"'H' .. claims .. {KEPT}, 'KEEPTTL'")
    source = steps._hold.source
    joined = source.replace("kept or ''", f"kept or {KEPT}")
    assert joined != source
    monkeypatch.setattr(steps, "_hold", Script(joined))
    _, violations = explore([look, add, add], stop_at_first=True, of=SetSchedule)
    assert violations


@pytest.mark.one_redis
def test_an_id_set_filled_without_the_token_check_fails(monkeypatch):
    altered(monkeypatch, "_load", "redis.call('GET', KEYS[1]) ~= ARGV[1]", "false", home=id_sets)
    _, violations = explore([look, add], stop_at_first=True, of=SetSchedule)
    assert violations


@pytest.mark.one_redis
def test_without_the_token_check_it_fails(monkeypatch):
    altered(monkeypatch, "_fill", "redis.call('GET', key) ~= ARGV[1]", "false")
    _, violations = explore([read, save], stop_at_first=True)
    assert violations


@pytest.mark.services  # SQLite has one writer at a time
def test_with_a_hold_that_forgets_the_earlier_writers_it_fails(monkeypatch):
    altered(monkeypatch, "_hold", "claims = claims .. claim", "claims = ''")
    _, violations = explore([read, save, save], crashes=1, stop_at_first=True)
    assert violations


@pytest.mark.one_redis
def test_without_the_rule_that_old_snapshots_never_fill_it_fails(monkeypatch):
    monkeypatch.setattr("caching.connections.following.in_transaction", lambda connection: False)
    _, violations = explore([read_in_old_snapshot, save], stop_at_first=True)
    assert violations


@pytest.fixture
def time_passes(monkeypatch):
    monkeypatch.setattr(transactions, "time", clock())
    monkeypatch.setattr(undecided, "PAUSE_S", 0)
    monkeypatch.setattr("caching.reading.reader.decided", in_one_step(undecided.decided))


LATE = [[read, rename], *([[read, read, rename], [read, rename, rename]] if os.environ.get("LONG") else [])]


@pytest.mark.usefixtures("time_passes")
@pytest.mark.parametrize("bodies", LATE)
def test_a_commit_that_takes_effect_after_its_hold_is_past(bodies):
    states, violations = explore(bodies, crashes=1, of=UndecidedSchedule)
    print(f"{len(states)} states explored, {len(violations)} stale")
    assert violations == []


@pytest.mark.one_redis
@pytest.mark.usefixtures("time_passes")
def test_where_nobody_asks_the_database_a_late_commit_leaves_an_old_value(monkeypatch):
    """As where holds simply expire."""
    monkeypatch.setattr("caching.reading.reader.decided", lambda using, questions: list(questions))
    _, violations = explore([read, rename], stop_at_first=True, of=UndecidedSchedule)
    assert violations


@pytest.mark.services  # on SQLite the lock of a writer is taken before its hold
@pytest.mark.usefixtures("time_passes")
def test_where_holds_are_not_renewed_before_a_commit_it_fails(monkeypatch):
    monkeypatch.setattr(transactions.WriteTransaction, "before_commit", lambda self: None)
    _, violations = explore([read, rename], crashes=1, stop_at_first=True, of=UndecidedSchedule)
    assert violations


@pytest.fixture
def failovers(monkeypatch):
    epochs.reset()
    monkeypatch.setattr(epochs, "check", lambda server, info: None)  # the schedule says in which run Redis is
    monkeypatch.setattr(agreement, "confirm", lambda: True)
    yield
    monkeypatch.undo()
    epochs.reset()


@pytest.mark.usefixtures("failovers")
@pytest.mark.parametrize("bodies", LATE[:2])
def test_a_failover_to_a_replica_that_lags(bodies):
    states, violations = explore(bodies, of=FailoverSchedule)
    print(f"{len(states)} states explored, {len(violations)} stale")
    assert violations == []


@pytest.mark.one_redis
@pytest.mark.usefixtures("failovers")
def test_where_entries_of_the_run_before_are_believed_it_fails(monkeypatch):
    monkeypatch.setattr("tests.caching.failover_schedules.MARK", b"")
    _, violations = explore([read, rename], stop_at_first=True, of=FailoverSchedule)
    assert violations


class MarkedLate(dict[str, tuple[bytes, int]]):
    """Entries that are marked when they are sent: as if the run changed between the query and the encoding."""

    def __getitem__(self, key: str) -> tuple[bytes, int]:
        entry, life_ms = super().__getitem__(key)
        is_late = entry and not entry.startswith(epochs.mark(key))
        return (epochs.mark(key) + entry if is_late else entry), life_ms


@pytest.mark.one_redis
@pytest.mark.usefixtures("failovers")
@pytest.mark.parametrize("compares", [True, False])
def test_where_a_lease_of_the_run_before_is_filled_it_fails(monkeypatch, compares):
    def fill_late(entries, token, *, since, **options):
        return fill(MarkedLate(entries), token, since=since if compares else mock.ANY, **options)

    fill = steps.fill
    monkeypatch.setattr(steps, "fill", fill_late)
    _, violations = explore([read, rename], stop_at_first=True, of=FailoverSchedule)
    assert bool(violations) is not compares


class EveryPath(Schedule):
    """A schedule whose states are never equal and whose actors are never interchangeable."""

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
    """A schedule in which no step is done at once."""

    def is_unnoticed(self, actor: Actor) -> bool:
        return False


def test_only_the_states_before_a_step_that_nobody_notices_are_passed_over():
    fewer, _ = explore([read, update, update], crashes=1)
    more, _ = explore([read, update, update], crashes=1, of=EveryOrder)
    before = {state for state in more if any(place[:1] == ("write",) for place in state[-3:])}
    assert before
    assert fewer.keys() == more.keys() - before


class Forgetful(Schedule):
    """A schedule whose states do not contain which reader has the lease."""

    def look(self) -> None:
        super().look()
        for actor in self.actors:
            actor.leased = False


def test_a_state_that_does_not_tell_all_is_noticed():
    with pytest.raises(AssertionError, match="does not tell all"):
        explore([read, read, save], of=Forgetful)
