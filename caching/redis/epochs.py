"""Epochs: which run of each server this process believes, and the mark of the entries that are filled in it.

A replica that is promoted may lack what its master has acknowledged, holds and deletions among it. So an entry counts
only if it was filled in the run in which it is read. A run begins when a server becomes a master or starts, and has a
replication id of its own (INFO replication). Each new connection is asked for its run; one that this process does not
know yet is used only once all processes agree (caching.protocol.agreement), by the database.

Entries of the first run that a database has ever known carry no mark; those of all others, and all on a cluster, whose
slots move with their entries, begin with the mark of their run.
"""

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from redis.exceptions import ReadOnlyError

from ..locations import Address
from .cluster import on_cluster, slot_map
from .failures import NotBelieved
from .sentinel import on_sentinel
from .slot_map import slot_of

ASK_RUN = ("INFO", "replication")
NO_ID = "0" * 40
ID_CHARACTERS = 8
Server = Address | None
"""A node of a cluster; None for the one server that there is otherwise."""


class Run(NamedTuple):
    """A server's time as a master: its replication id, that of the master whose data it has, and how many follow it."""

    id: str
    previous: str
    replicas: int

    @property
    def was_promoted(self) -> bool:
        """Whether another run may still be believed by some process."""
        return self.previous != NO_ID


class UnknownRun(NotBelieved):
    """The server is in another run than before, which this process has to agree on with the others."""

    def __init__(self) -> None:
        super().__init__("the server has become a master, or has started: all processes have to learn of it first")


def run_of(info: Any) -> Run:
    """Return what INFO replication tells; where that is nothing, or refused, all runs are taken for one.

    Raises ReadOnlyError for a replica.
    """
    lines = [] if isinstance(info, Exception) else info.decode().split()
    told = dict(line.partition(":")[::2] for line in lines)
    if told.get("role") == "slave":
        raise ReadOnlyError("the server is a replica, whose entries may be old")
    return Run(told.get("master_replid", ""), told.get("master_replid2", NO_ID), int(told.get("connected_slaves", 0)))


def mark_of(run: Run) -> bytes:
    """Return what entries of a run begin with, if they are marked."""
    return b"E" + run.id[:ID_CHARACTERS].encode()


class Epochs:
    """The runs that this process has met and those that it believes; shared by all threads and event loops."""

    def __init__(self) -> None:
        self.version = 0
        """Is another number after each change of a run."""
        self.is_marking = False
        """Whether any entries begin with a mark."""
        self.is_fenced = False
        """Whether another server may take over, so that writers confirm what they have told to Redis."""
        self.met_at = 0.0
        """When a run was met last, by time.monotonic()."""
        self.runs: dict[Server, Run] = {}
        """The run that each server is in, as its newest connection has told."""
        self._marks: dict[Server, bytes] = {}

    def check(self, server: Server, info: Any) -> None:
        """Take note of what a new connection answers to INFO replication; raise UnknownRun if the run is another than
        before, ReadOnlyError if the server is a replica."""
        run, before = run_of(info), self.runs.get(server)
        self.is_fenced |= on_cluster() or on_sentinel() or run.replicas > 0 or run.was_promoted
        if before and before.id == run.id:
            return
        self._marks.pop(server, None)
        self.runs[server], self.met_at = run, time.monotonic()
        self._note_marks()
        if before:
            self._change()
            raise UnknownRun

    def unbelieved(self, server: Server) -> Run | None:
        """Return the run that a server is in, if it is met and not believed."""
        return None if server in self._marks else self.runs.get(server)

    def believe(self, server: Server, run: Run, mark: bytes) -> None:
        """Believe the entries of a run that a server is still in."""
        if self.runs.get(server) == run:
            self._marks[server] = mark
            self._note_marks()

    def forget(self, server: Server) -> None:
        """Believe no entry of a server any more, and connect to it anew."""
        self.runs.pop(server, None)
        self._marks.pop(server, None)
        self._change()

    def reset(self) -> None:
        """Know no run, like a process that has just started."""
        self.runs, self._marks, self.is_fenced = {}, {}, False
        self._change()

    def _change(self) -> None:
        self.version += 1
        self._note_marks()

    def _note_marks(self) -> None:
        self.is_marking = on_cluster() or bool(self._marks.get(None))

    def mark(self, key: str) -> bytes:
        """Return what the entry of a key begins with: nothing, or a mark. On a node whose run is not known it is
        nothing, which is believed on no node."""
        return (self._mark_of_node(key) or b"") if self.is_marking else b""

    def _mark_of_node(self, key: str) -> bytes | None:
        return self._marks.get(slot_map().node_of(slot_of(key)) if on_cluster() else None)

    def unmarked(self, keys: Sequence[str], entries: Sequence[bytes | None]) -> list[bytes]:
        """Return entries without their marks, and b"" for each that is not believed."""
        return without_marks(entries, self.marks(keys))

    def marks(self, keys: Sequence[str]) -> list[bytes | None]:
        """Return what a believed entry of each key begins with; None where no entry is believed."""
        # Each batch that is read on a cluster passes through here: few calls.
        if not on_cluster():
            return [self._marks.get(None)] * len(keys)
        return list(map(self._marks.get, map(slot_map().by_slot.__getitem__, map(slot_of, keys))))


def without_marks(entries: Sequence[bytes | None], marks: Sequence[bytes | None]) -> list[bytes]:
    """Return entries without the marks that they should begin with, and b"" for each that is not believed."""
    return [
        entry[len(mark) :] if entry and mark is not None and entry.startswith(mark) else b""
        for mark, entry in zip(marks, entries, strict=True)
    ]


epochs = Epochs()
"""Those of this process."""


def mark_of_run(key: str) -> bytes:
    """Return what the entry of a key begins with in this run of Redis, for those who write entries without a lease."""
    return epochs.mark(key)
