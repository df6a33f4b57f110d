"""Epochs: which run of each server this process believes, and the mark of the entries that are filled in it.

A replica that is promoted may lack what its master has acknowledged, holds and deletions among it. So an entry counts
only if it was filled in the run in which it is read. A run begins when a server becomes a master or starts, and has a
replication id of its own (INFO replication). Each new connection is asked for its run; one that this process does not
know yet is used only once all processes agree (caching.protocol.agreement), by the database.

Entries of the first run that a database has ever known carry no mark; those of all others, and all on a cluster, whose
slots move with their entries, begin with the mark of their run.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from redis.crc import key_slot
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError

from ..locations import Address
from .cluster import on_cluster, slot_map
from .sentinel import on_sentinel

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


class UnknownRun(RedisConnectionError):
    """The server is in a run that this process has not agreed on with the others."""

    def __init__(self, server: Server, run: Run) -> None:
        super().__init__("the server has become a master, or has started: all processes have to learn of it first")
        self.server, self.run = server, run


def run_of(info: bytes) -> Run | None:
    """Return what INFO replication tells; None where it tells of no replication ids. Raises ReadOnlyError: a replica."""
    told = dict(line.partition(":")[::2] for line in info.decode().split())
    if told.get("role") == "slave":
        raise ReadOnlyError("the server is a replica, whose entries may be old")
    if "master_replid" not in told:
        return None
    return Run(told["master_replid"], told.get("master_replid2", NO_ID), int(told.get("connected_slaves", 0)))


def mark_of(run: Run) -> bytes:
    """Return what entries of a run begin with, if they are marked."""
    return b"E" + run.id[:ID_CHARACTERS].encode()


class Epochs:
    """The runs that this process believes; shared by all threads and event loops."""

    def __init__(self) -> None:
        self.version = 0
        """Is another number after each change."""
        self.is_marking = False
        """Whether any entries begin with a mark."""
        self.is_fenced = False
        """Whether another server may take over, so that what is written has to be confirmed."""
        self.changed: list[Callable[[], Any]] = []
        """Called after each change: connections to runs that are over are dropped."""
        self.runs: dict[Server, tuple[Run, bytes]] = {}
        self._only: bytes = b""

    def check(self, server: Server, info: Any) -> None:
        """Raise UnknownRun unless what INFO replication says is of the run that is believed; ReadOnlyError: a replica."""
        run = None if isinstance(info, Exception) else run_of(info)
        if run is not None and (server not in self.runs or self.runs[server][0].id != run.id):
            raise UnknownRun(server, run)

    def believe(self, server: Server, run: Run, mark: bytes) -> None:
        """Believe the entries of a run from now on, and those of its predecessor no more."""
        self.runs = {each: known for each, known in self.runs.items() if known[0].id != run.previous}
        self.runs[server] = run, mark
        self._change()

    def forget(self, ids: Iterable[str]) -> None:
        """Believe no entry of some runs any more."""
        gone = set(ids)
        self.runs = {each: known for each, known in self.runs.items() if known[0].id not in gone}
        self._change()

    def reset(self) -> None:
        """Know no run, like a process that has just started."""
        self.runs = {}
        self._change()

    def _change(self) -> None:
        self._only = self.runs[None][1] if None in self.runs else b""
        self.is_marking = on_cluster() or bool(self._only)
        may_fail_over = on_cluster() or on_sentinel()
        self.is_fenced = may_fail_over or any(run.replicas or run.was_promoted for run, _ in self.runs.values())
        self.version += 1
        for call in self.changed:
            call()

    def mark(self, key: str) -> bytes:
        """Return what the entry of a key begins with: nothing, or a mark. On a node whose run is not known it is
        nothing, which is believed on no node."""
        return (self._mark_of_node(key) or b"") if self.is_marking else b""

    def _mark_of_node(self, key: str) -> bytes | None:
        if not on_cluster():
            return self._only
        known = self.runs.get(slot_map().node_of(key_slot(key.encode())))
        return known and known[1]

    def unmarked(self, keys: Iterable[str], entries: Sequence[bytes]) -> list[bytes]:
        """Return entries without their marks, and b"" for each that is not believed."""
        found = []
        for key, entry in zip(keys, entries, strict=True):
            mark = self._mark_of_node(key)
            found.append(b"" if mark is None or not entry.startswith(mark) else entry[len(mark) :])
        return found


epochs = Epochs()
"""Those of this process."""


def mark_of_run(key: str) -> bytes:
    """Return what the entry of a key begins with in this run of Redis, for those who write entries without a lease."""
    return epochs.mark(key)
