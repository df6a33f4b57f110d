"""Agreeing with all other processes on the run of a Redis server, by the database (see caching.redis.epochs).

Two servers may both be masters for a while: one that was cut off, and the replica that took its place. What a process
writes to the first is not known to the second. So a run that follows another is a row in the database first, and is
believed some time later (SETTLE); meanwhile each process looks for such rows, as often as for what is pending. Once
Redis was told of a commit, a writer whose last look is older than that looks again before the write is acknowledged:
what is filled in the new run was loaded after every commit that the new run was not told of.
"""

import time
from collections.abc import Callable, Collection
from functools import cache
from typing import TypeVar

from django.db import DEFAULT_DB_ALIAS, OperationalError, ProgrammingError, connections, router
from django.db.models import DateTimeField, ExpressionWrapper, F, Q, QuerySet
from django.db.models.functions import Now
from redis.exceptions import ConnectionError as RedisConnectionError

from ..conf import conf
from ..connections.following import is_missing_table
from ..models import RedisRun
from ..redis.breaker import breaker
from ..redis.client import ping
from ..redis.cluster import on_cluster, slot_map
from ..redis.epochs import NO_ID, Run, Server, UnknownRun, epochs, mark_of
from . import copies

T = TypeVar("T")

LONGEST_SETTLE_S = 2.0
LONG_AGO_S = 60
"""A row of this age is known to all processes, whatever their clocks say."""


class Superseded(RedisConnectionError):
    """The server, or its data, are not what they were, by what the database says."""

    def __init__(self) -> None:
        super().__init__("another server, or an older copy of the data, has taken the place of this one")


class Agreement:
    """What this process knows of the agreed runs, and when it has looked last."""

    look: Callable[[], None] = staticmethod(lambda: None)
    """Has another thread confirm now, and waits for it."""

    def __init__(self) -> None:
        self._confirmed_at = float("-inf")
        self._met_at: dict[str, float] = {}
        self._registered: dict[str, tuple[bytes, bool]] = {}

    def agree(self, server: Server = None) -> None:
        """Believe the run that a server is in; raises UnknownRun while others may not have learned of it yet, and
        Superseded if it is over.

        Not inside a transaction, whose view may be old.
        """
        self.confirm()
        if self._has_gone_back(server):
            self.confirm()
        if (run := epochs.unbelieved(server)) is not None:
            mark, is_old = self._registered.get(run.id) or self._register(run)
            met_at = self._met_at.setdefault(run.id, time.monotonic())
            if run.was_promoted and not is_old and time.monotonic() - met_at < settle_s():
                raise UnknownRun
            epochs.believe(server, run, mark)
        elif server not in epochs.runs:
            raise Superseded

    def confirm(self) -> bool:
        """Have the runs that were met known to all processes, and ask whether they are over, or their entries are
        believed no more; open the circuit breaker if any is. Not inside a transaction."""
        began, runs = time.monotonic(), dict(epochs.runs)
        for run in runs.values():
            if run.id not in self._registered:
                self._register(run)
        over, marks = _told_of([run.id for run in runs.values()])
        gone = [
            server
            for server, run in runs.items()
            if run.id in over or not _is_named(server) or self._is_marked_anew(run, marks)
        ]
        for server in gone:
            epochs.forget(server)
            (breaker.of(server) if server else breaker).trip(Superseded())
        self._confirmed_at = float("-inf") if gone else began
        return not gone

    def held_since(self, version: int) -> bool:
        """Return whether what was told to Redis since `epochs.version` had this value was told to runs that are
        believed by all; may wait for a look at the database."""
        if epochs.is_fenced and epochs.version == version and not self._is_fresh():
            self.look()
            return self._is_fresh() and epochs.version == version
        return epochs.version == version

    def advance(self) -> None:
        """Write to Redis and to the database what tells an older copy of the data; for a job, every second.

        From then on a Redis that starts anew is another run, whose data may be older than those of the last one.
        """
        if on_cluster() or not conf().enabled:
            return
        ping()
        run = epochs.runs[None]
        if run.id and not _rows().exists():
            _rows().get_or_create(run=run.id, defaults={"previous": run.previous})
        _registered(run)
        copies.advance(_rows(), run)

    def _has_gone_back(self, server: Server) -> bool:
        run = epochs.runs.get(None)
        return server is None and run is not None and _unless_table_is_missing(
            lambda: copies.has_gone_back(_rows(), run), False
        )  # fmt: skip

    def _is_marked_anew(self, run: Run, marks: dict[str, str]) -> bool:
        """Return whether the entries of a run have another mark than this process believes; note it."""
        mark = marks.get(run.id, "").encode()
        if run.id not in marks or mark == self._registered[run.id][0]:
            return False
        self._registered[run.id] = (mark, True)
        return True

    def _register(self, run: Run) -> tuple[bytes, bool]:
        self._registered[run.id] = registered = _registered(run)
        return registered

    def _is_fresh(self) -> bool:
        return self._confirmed_at > max(epochs.met_at, time.monotonic() - settle_s())


def require_current(version: int) -> None:
    """Raise Superseded if what was told to Redis since `epochs.version` had this value may have been told to a server
    that is over."""
    if not agreement.held_since(version):
        raise Superseded


def settle_s() -> float:
    """Return the time within which a process that uses the cache looks at the database, and tries Redis again."""
    return min((conf().retry_ms + 2 * conf().proof_ms) / 1000, LONGEST_SETTLE_S)


def _registered(run: Run) -> tuple[bytes, bool]:
    """Return the mark of a run's entries, and whether all others have long known of the run.

    Where no run is known that has followed another, nothing can have been lost, and nothing is written.
    """
    rows, unmarked = _rows(), mark_of(run) if on_cluster() else b""

    def register() -> tuple[bytes, bool]:
        if not run.id or not (run.was_promoted or rows.exists()):
            return unmarked, True
        epochs.is_fenced |= run.was_promoted or rows.exclude(previous=NO_ID).exists()
        row, _ = rows.get_or_create(run=run.id, defaults={"previous": run.previous, "mark": mark_of(run).decode()})
        now = rows.annotate(now=ExpressionWrapper(Now(), DateTimeField())).values_list("now", F("created_at"))
        seen, created = now.get(pk=row.pk)
        return row.mark.encode(), (seen - created).total_seconds() > LONG_AGO_S

    return _unless_table_is_missing(register, (unmarked, True))


def _is_named(server: Server) -> bool:
    """Return whether a server of a cluster still has slots; one that comes back may have other data."""
    return server in slot_map().nodes if on_cluster() else server is None


def _told_of(ids: Collection[str]) -> tuple[set[str], dict[str, str]]:
    """Return those of some runs that others have followed, and the marks of those that are known."""
    rows = _rows().filter(Q(previous__in=ids) | Q(run__in=ids)).values_list("run", "previous", "mark")
    none: list[tuple[str, str, str]] = []
    told = _unless_table_is_missing(lambda: list(rows), none)
    return {previous for _, previous, _ in told} & {*ids}, {run: mark for run, _, mark in told}


def _rows() -> QuerySet[RedisRun]:
    return RedisRun.objects.using(_arbiter())


def _unless_table_is_missing(question: Callable[[], T], otherwise: T) -> T:
    """Ask the database; where it has not been migrated nobody agrees, as before there were runs."""
    try:
        return question()
    except (OperationalError, ProgrammingError) as error:
        if not is_missing_table(error):
            raise
        return otherwise


@cache
def _arbiter() -> str:
    """Return the alias of the one database in which processes agree."""
    allowed = [alias for alias in connections if router.allow_migrate_model(alias, RedisRun)]
    return DEFAULT_DB_ALIAS if DEFAULT_DB_ALIAS in allowed or not allowed else allowed[0]


agreement = Agreement()
"""That of this process."""
