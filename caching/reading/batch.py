"""Questions to several sources, and other commands, in one round trip."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar, cast

from ..blocking import refuse_in_event_loop
from ..conf import prefix
from ..entries.rows import rows_of
from ..entries.source import Result, decode
from ..protocol.codec import Stale
from ..redis.cluster import on_cluster
from ..redis.event_loop import EventLoopClient
from ..redis.link import Replied
from ..redis.script import Command, Script
from ..writing.transactions import joined_to_commit
from .hit_path import ReadPlan
from .reader import ReadThrough
from .results import M, RowsResult
from .tracked_plan import TrackedPlan

R = TypeVar("R", bound=Result[Any])


class Reply:
    """What a script answered; None if Redis could not be used or the script failed."""

    result: Any = None


class Glance(Reply):
    """What the cache says of one entry, which is not loaded if it is absent."""

    def __init__(self, read: Result[Any]) -> None:
        ((self.key, self._identity),) = read.identities.items()
        self._source = read.source

    def value_or(self, unknown: Any) -> Any:
        """Return the value, once the batch has run, and `unknown` if the cache does not know it."""
        try:
            return decode(self._source, self.key, self._identity, self.result or b"")
        except Stale:
            return unknown


class Batch:
    """Collects what one request needs of Redis; `run()` fetches it in one round trip if everything is a hit.

    Under an event loop, where nothing may block, send `commands()` and give the replies to `resolve()` instead.
    """

    _is_resolved = False
    _plan: ReadPlan | TrackedPlan

    def __init__(self) -> None:
        self._reads: list[Result[Any]] = []
        self._commands: list[Command] = []
        self._replies: list[Reply] = []

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to send: all that was asked has its result already."""
        return not (self._reads or self._commands)

    def add(self, read: R) -> R:
        """Ask a question; its `result` is there once the batch has run."""
        if read.ids:
            self._reads.append(read)
        else:
            read.resolve([])
        return read

    def add_all(self, reads: Iterable[R]) -> list[R]:
        """Ask several questions about the same ids; without ids, they have their results at once."""
        added = list(reads)
        if added and added[0].ids:
            self._reads += added
        return added

    def rows(self, model: type[M], pks: Iterable[Any], using: str | None = None) -> RowsResult[M]:
        """Ask for rows by primary key; raises ValidationError for a primary key of the wrong type.

        `using`: the database, by default the one that the router names now.
        """
        pks, source = list(pks), rows_of(cast(Any, model), using)
        asked = source.key_prefix(), model, pks
        for read in self._reads:
            if type(read) is RowsResult and read.asked == asked:  # such as the caller's own
                return read
        return self.add(RowsResult(source, asked))

    def script(self, script: Script, keys: Sequence[str], args: Iterable[Any] = ()) -> Reply:
        """Have a script share the round trip; `keys`, given without prefix, must share a slot."""
        reply = Reply()
        begin = prefix()
        self._commands.append(script.command([f"{begin}:{key}" for key in keys], args))
        self._replies.append(reply)
        return reply

    def glance(self, read: Result[Any]) -> Glance:
        """Ask for one entry that is not worth a query: as if it was a script, so it may be absent."""
        glance = Glance(read)
        self._commands.append(("GET", glance.key))
        self._replies.append(glance)
        return glance

    def run(self) -> None:
        """Answer everything: from Redis, and from the database what Redis does not have.

        Raises SynchronousOnlyOperation where an event loop runs.
        """
        refuse_in_event_loop("Batch.run()", "abatch(batch)")
        if not self._is_resolved:
            self._answer_scripts(ReadThrough(self._reads).run(self._commands))

    def join_commit(self, using: str) -> None:
        """Share the round trip in which the current transaction tells Redis of its commit, if there will be one.

        Call `run()` after the commit in any case: it does what is left, if anything.
        """
        joined = joined_to_commit(using)
        if joined is not None and not on_cluster():  # there the commands go to several servers
            joined.append(self)

    def send(self, client: EventLoopClient, replied: Replied) -> bool:
        """Send the commands from an event loop; return False if Redis cannot be used now."""
        known = client.client_side
        if known is None:
            return client.send(self.commands(), replied)
        self._plan = TrackedPlan(known, self._reads, self._commands)
        return client.send(self._plan.commands, replied)

    def is_known(self, client: EventLoopClient, *, after: "Batch") -> bool:
        """Answer everything by client-side caching, and return whether it could.

        `after`: the batch whose replies have just come. If it asked whether what is known is still so, everything is
        known as of then.
        """
        known, plan = client.client_side, after._plan
        if known is None or self._commands or not self._reads:
            return False
        if not isinstance(plan, TrackedPlan) or not plan.confirms_all:
            return False
        plan = TrackedPlan(known, self._reads, ())
        self._is_resolved = plan.knows_all and plan.resolve([])
        return self._is_resolved

    def commands(self) -> list[Command]:
        """Return the commands to send; their replies are for `resolve()`."""
        self._plan = ReadPlan(self._reads, self._commands)
        return self._plan.commands

    def resolve(self, replies: list[Any] | None) -> bool:
        """Take the replies to `commands()`, None if there are none; return whether everything was a hit.

        If not, only the scripts have their replies, and do not run again: run the batch, or another one, where it may
        block.
        """
        if replies is None:
            return False
        if self._replies:
            self._answer_scripts(self._plan.replies_to_extra(replies))
        self._is_resolved = self._plan.resolve(replies) and not self._replies
        return self._is_resolved

    @property
    def lacks_only_entries(self) -> bool:
        """Whether, after `resolve()`, nothing but the database is needed: `run_together` may answer it."""
        return bool(self._reads) and not self._commands

    def _answer_scripts(self, replies: Sequence[Any]) -> None:
        if not replies:
            return
        failed = []
        for command, reply, result in zip(self._commands, self._replies, replies, strict=True):
            if isinstance(result, Exception):  # such as a script that a restarted Redis does not know yet
                failed.append((command, reply))
            else:
                reply.result = result
        self._commands, self._replies = [command for command, _ in failed], [reply for _, reply in failed]


def run_together(batches: Sequence[Batch]) -> None:
    """Answer batches that lack only entries in one pass, where blocking is allowed.

    What several of them lack is loaded once: with one lease, one SQL query for each kind of entry, and one fill. If it
    raises, none of them is answered.
    """
    refuse_in_event_loop("run_together()", "abatch(batch)")
    ReadThrough([read for batch in batches for read in batch._reads]).run()
    for batch in batches:
        batch._is_resolved = True


def read_rows(model: type[M], pks: Iterable[Any], using: str | None = None) -> RowsResult[M]:
    """Return rows by primary key, in a round trip of their own; for callers who have looked for an event loop."""
    source = rows_of(cast(Any, model), using)
    rows: RowsResult[M] = RowsResult(source, (source.key_prefix(), model, list(pks)))
    if rows.ids:
        ReadThrough([rows]).run()
    return rows
