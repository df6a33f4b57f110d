"""The follower: it leads, reads the log from the position on, and notes every second how far it has come."""

import logging
import time
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from django.db.models.functions import Now

from binlog import requirements
from binlog.failures import LostPosition, NotAllowed
from binlog.leading import Lead, NotLeading
from binlog.tables import Table, tables_of
from binlog.telling import Gtids, Telling
from caching.extend import LoggedTransaction, apply_logged, forget_models
from caching.operate import conf

if TYPE_CHECKING:  # they need a library that only MariaDB needs
    from binlog.entries import Entry
    from binlog.stream import Stream

STEP_S = 1.0
LOOK_AGAIN_S = 15.0
"""How often a database that cannot be followed is looked at."""
log = logging.getLogger(__name__)


class Follower:
    """Follows the log of the database that positions are kept in, for as long as it leads."""

    def __init__(self) -> None:
        self._lead = Lead()
        self._stream: Stream | None = None
        self._telling: Telling | None = None
        self._gtids: dict[str, str] = {}
        self._lag_s = 0.0
        self._has_heard = False
        self._problem = ""
        self._idle_until = 0.0
        self._tables: dict[str, Table] = {}

    @property
    def is_following(self) -> bool:
        """Whether this process reads the log."""
        return self._stream is not None

    def step(self) -> bool:
        """Follow for STEP_S; return whether to go on at once, which one that does not lead need not.

        Raises django.db.Error or OSError where a server is away.
        """
        if not conf().enabled or time.monotonic() < self._idle_until:
            return False
        try:
            return self._follow()
        except NotAllowed:
            self._cannot(requirements.PRIVILEGE)
        except LostPosition as error:
            log.warning("The position in the binary log is lost: %s", error)
            self._lead.note(gtids="")
            self.stop()
        except NotLeading as error:
            log.warning("The binary log is followed by another worker: %s", error)
            self.stop()
        except BaseException:
            self.stop()
            raise
        return False

    def stop(self) -> None:
        """Read no further; the lead ends by itself."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None
        if self._telling is not None:
            self._telling.end()
            self._telling = None

    def _follow(self) -> bool:
        if self._stream is None and (missing := requirements.missing(self._lead.using)):
            self._cannot(missing)
            return False
        if self._stream is None and not self._lead.take():
            return False
        if self._stream is None or self._telling is None:
            self._stream, self._telling = self._start()
        ends_at = time.monotonic() + STEP_S
        while (left := ends_at - time.monotonic()) > 0:
            self._deal_with(self._stream.take(left), self._telling)
        self._telling.check()
        if self._has_heard:  # else the server may hang: the stream tells
            self._note(self._telling.gtids)
        return True

    def _cannot(self, problem: str) -> None:
        self.stop()
        self._idle_until = time.monotonic() + LOOK_AGAIN_S
        if problem != self._problem:
            level = logging.WARNING if requirements.has_log(self._lead.using) else logging.INFO
            log.log(level, "Edits past the application are seen only when entries expire. %s", problem)
            self._problem = problem
            self._lead.note_problem(problem)

    def _start(self) -> "tuple[Stream, Telling]":
        """Begin where the last leader has come to, or at the end of the log where that is not known."""
        from binlog.stream import Stream

        using = self._lead.using
        self._tables, position, server = tables_of(using), self._lead.position(), requirements.server(using)
        if not position.gtids:
            self._begin_anew(server.gtids, "it is not known how far the log was followed")
        elif position.server_id != server.server_id:
            self._begin_anew(server.gtids, f"the log of server {position.server_id} was followed before")
        else:
            self._gtids = _by_domain(position.gtids)
        self._has_heard = False
        gtids = _position(self._gtids)
        self._lead.note(gtids=gtids, server_id=server.server_id)
        log.info("The binary log of server %s is followed from %s.", server.server_id, gtids or "its begin")
        return Stream(using, gtids, self._tables), Telling(using, self._gtids.copy())

    def _begin_anew(self, gtids: str, reason: str) -> None:
        self._gtids = _by_domain(gtids)  # before entries are deleted: what is written meanwhile is followed
        self._forget([table.model for table in self._tables.values()], reason)

    def _deal_with(self, entries: "list[Entry]", telling: Telling) -> None:
        """Delete what the log tells of, neighbouring transactions at once, and have the listeners told."""
        rows: list[LoggedTransaction] = []
        for entry in entries:
            if entry.rows is not None:
                rows.append(entry.rows)
            if entry.forget:
                self._forget(entry.forget, entry.reason)
            if entry.gtid:
                self._gtids[entry.gtid.partition("-")[0]] = entry.gtid
            self._has_heard, self._lag_s = True, entry.lag_s
        if rows:
            apply_logged(self._lead.using, rows)
        telling.tell(rows, self._gtids.copy())

    def _forget(self, models: Collection[Any], reason: str) -> None:
        names = ", ".join(sorted(model._meta.label for model in models))
        log.warning(
            "Entries are dropped because %s: %s. Counters of their rows may need reconcile_counters.", reason, names
        )
        forget_models(self._lead.using, models)

    def _note(self, gtids: Gtids) -> None:
        self._has_heard, self._problem = False, ""
        self._lead.note(gtids=_position(gtids), heard_at=Now(), lag_s=self._lag_s, problem="")


def _position(gtids: Gtids) -> str:
    return ",".join(gtids.values())


def _by_domain(gtids: str) -> dict[str, str]:
    """Return the parts of a position by domain."""
    return {each.partition("-")[0]: each for each in map(str.strip, gtids.split(",")) if each}


follower = Follower()
"""That of this process."""
