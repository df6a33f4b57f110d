"""Rules of the protocol that are broken on purpose, one at a time: the suite must find each.

The environment variable MUTANT names one in the processes of an installation (tests/faults/faulty_settings.py).
"""

from collections.abc import Callable
from typing import Any, NamedTuple


class Mutant(NamedTuple):
    """How a rule is broken, and the kinds of faults under which that shows."""

    apply: Callable[[], None]
    kinds: tuple[str, ...]


MUTANTS: dict[str, Mutant] = {}


def mutant(name: str, *kinds: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Register a function that breaks a rule."""

    def register(function: Callable[[], None]) -> Callable[[], None]:
        MUTANTS[name] = Mutant(function, kinds)
        return function

    return register


def _nothing(*_: Any, **__: Any) -> int:
    return 0


@mutant("nothing is recorded as pending", "writer and Redis are cut off")
def no_taint() -> None:
    from caching.protocol import pending

    pending.record = _nothing  # type: ignore[assignment]


@mutant("pending invalidations are not applied", "writer and Redis are cut off")
def never_applied() -> None:
    from caching.protocol import pending

    pending.apply_pending = _nothing


@mutant("holds are lifted before the commit", "commits are stalled")
def lift_before_commit() -> None:
    from caching.protocol import steps
    from caching.writing.transactions import WriteTransaction

    before_commit = WriteTransaction.before_commit

    def lifts(self: WriteTransaction) -> None:
        before_commit(self)
        steps.lift(self.written, self.token)
        self.written, self.held = set(), set()  # nor is anything lifted after it

    WriteTransaction.before_commit = lifts  # type: ignore[method-assign]


@mutant("nothing is held", "commits are stalled", "web workers are killed")
def no_hold() -> None:
    from caching.protocol import steps

    steps.hold = lambda *_, **__: set()


@mutant("a fill is a plain SET", "the database is slow")
def fill_by_set() -> None:
    from caching.protocol import steps
    from caching.redis.script import Script

    steps._fill = Script(steps._fill.source.replace("redis.call('GET', key) ~= ARGV[1]", "false"))


@mutant("a lift deletes the holds of others", "commits are stalled")
def lift_of_all() -> None:
    from caching.protocol import steps
    from caching.redis.script import Script

    steps._lift = Script(steps._lift.source.replace("claims ~= ''", "false"))


@mutant("Redis is proved by PING", "Redis has too few replicas to take writes")
def probe_by_ping() -> None:
    from caching.protocol import watch
    from caching.redis.proofs import Proofs

    Proofs.commands = Proofs.riding = lambda *_: [("PING",)]  # type: ignore[method-assign, assignment]
    watch.look = _nothing  # type: ignore[assignment]


@mutant("the hot lane is deaf to changes")
def deaf_lane() -> None:
    from caching.redis.client_side import ClientSideCache

    ClientSideCache.invalidate = _nothing  # type: ignore[method-assign, assignment]


@mutant("events are acknowledged before the commit", "worker and the database are cut off", "the database is killed")
def acknowledge_before_commit() -> None:
    from popups.events import stream

    take = stream.take

    def takes(*args: Any, **options: Any) -> Any:
        taken = take(*args, **options)
        if taken.ids:
            stream.acknowledge(taken)
        return taken

    stream.take = takes


@mutant("deltas are folded and not deleted")
def fold_twice() -> None:
    from counters import rollup

    rollup._delete = _nothing  # type: ignore[assignment]


@mutant("a follow and a block take no lock", "the database is slow")
def no_pair_lock() -> None:
    from social import locks

    locks.lock_pairs = _nothing  # type: ignore[assignment]


@mutant("deltas are added whatever the watermark", "Redis is slow")
def no_watermark() -> None:
    from caching.redis.script import Script
    from counters import blocks

    blocks._increment = Script(blocks._increment.source.replace("tonumber(ARGV[i + 2]) > watermark", "true"))
