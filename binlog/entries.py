"""Entries: what events of the log say to the follower."""

import re
import time
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from pymysqlreplication import event as events
from pymysqlreplication.constants.NONE_SOURCE import COLS_BITMAP
from pymysqlreplication.row_event import DeleteRowsEvent, RowsEvent, WriteRowsEvent

from binlog.tables import Table
from caching.extend import LoggedTransaction, RowChange

MOST_ROWS = 1_000
"""Rows of one transaction that are dealt with at once."""
INCIDENT, FIRST_UNKNOWN = 26, 165
"""Types of events: the server may have lost some; compressed ones, and those of later releases."""
_PASSING = re.compile(r"(BEGIN|SAVEPOINT|ROLLBACK|RELEASE|XA START|XA END|/\*|#|CREATE|GRANT|REVOKE|FLUSH)\b", re.I)
_EVERYTHING = re.compile(r"(DROP (DATABASE|SCHEMA)|XA )", re.I)
"""Statements that may have changed any table, as far as the log tells."""


class Entry(NamedTuple):
    """Something that the log tells: rows of a transaction, models whose entries cannot be trusted any more and why, or
    that nothing has happened. `gtid` comes with the end of a transaction, `lag_s` is its age."""

    gtid: str = ""
    lag_s: float = 0.0
    rows: LoggedTransaction | None = None
    forget: Collection[Any] = ()
    reason: str = ""


class Reader:
    """Makes entries of events, in their order."""

    def __init__(self, gtids: str, tables: dict[str, Table]) -> None:
        self._tables = tables
        self._models = frozenset(table.model for table in tables.values())
        self._named = re.compile(r"\b(" + "|".join(map(re.escape, tables)) + r")\b", re.I)
        self._last = _numbers(gtids)
        self._gtid, self._changes, self._is_first = "", list[RowChange](), True

    def entries(self, event: Any) -> Iterator[Entry]:
        """Yield what an event says."""
        if isinstance(event, events.HeartbeatLogEvent):
            yield Entry()
        elif isinstance(event, events.MariadbGtidEvent):
            yield from self._begin(event)
        elif isinstance(event, RowsEvent):
            yield from self._rows(event)
        elif isinstance(event, events.XidEvent):
            yield self._end(event)
        elif isinstance(event, events.QueryEvent):
            yield from self._statement(event)
        elif event is not None and (event.event_type == INCIDENT or event.event_type >= FIRST_UNKNOWN):
            yield Entry(forget=self._models, reason=f"the log has an event of type {event.event_type}")

    def unreadable(self, error: Exception) -> Entry:
        """Return what is to be made of a transaction that has an event which cannot be read: it is passed over."""
        return Entry(self._gtid, forget=self._models, reason=f"an event of {self._gtid} cannot be read ({error!r})")

    def _begin(self, event: Any) -> Iterator[Entry]:
        self._gtid, self._changes, self._is_first = event.gtid, [], True
        last, self._last[event.domain_id] = self._last.get(event.domain_id), event.gtid_seq_no
        if last is not None and event.gtid_seq_no > last + 1:
            yield Entry(forget=self._models, reason=f"the log goes from number {last} to {event.gtid}")

    def _end(self, event: Any) -> Entry:
        return Entry(self._gtid, _age_s(event), self._part(is_complete=True))

    def _statement(self, event: Any) -> Iterator[Entry]:
        statement = event.query.lstrip()
        if statement.upper().startswith("COMMIT"):
            yield self._end(event)
        elif _EVERYTHING.match(statement):
            yield Entry(self._gtid, _age_s(event), forget=self._models, reason=f"of {statement[:60]!r}")
        elif not _PASSING.match(statement):
            named = {self._tables[name.lower()].model for name in self._named.findall(statement)}
            yield Entry(self._gtid, _age_s(event), forget=named, reason=f"of {statement[:60]!r}")
        else:
            yield Entry(self._gtid, _age_s(event))

    def _rows(self, event: Any) -> Iterator[Entry]:
        table = self._tables[event.table]
        try:
            self._changes += [_change(table, event, row) for row in event.rows]
        except (LookupError, TypeError, ValueError) as error:  # another table than the model's, or only a part of it
            reason = f"rows of the log do not tell enough ({error!r})"
            yield Entry(forget=[table.model], reason=reason)
        if len(self._changes) >= MOST_ROWS:
            yield Entry(lag_s=_age_s(event), rows=self._part(is_complete=False))

    def _part(self, *, is_complete: bool) -> LoggedTransaction:
        """Return the changes since the last part of the transaction."""
        part = LoggedTransaction(self._changes, self._is_first, is_complete)
        self._changes, self._is_first = [], False
        return part


def _change(table: Table, event: Any, row: dict[str, Any]) -> RowChange:
    if any(COLS_BITMAP in row[name].values() for name in row if name.endswith("none_sources")):
        raise ValueError("not all columns: binlog_row_image=FULL")
    if isinstance(event, DeleteRowsEvent):
        return RowChange(table.model, table.instance(row["values"]), None)
    if isinstance(event, WriteRowsEvent):
        return RowChange(table.model, None, table.instance(row["values"]))
    return RowChange(table.model, table.instance(row["before_values"]), table.instance(row["after_values"]))


def _age_s(event: Any) -> float:
    """Return the age of an event, of which the log tells the second."""
    return float(max(0.0, time.time() - event.timestamp - 1))


def _numbers(gtids: str) -> dict[int, int]:
    """Return the last number of each domain in a position such as "0-1-270,1-2-15"."""
    parts = (each.strip().split("-") for each in gtids.split(",") if each.strip())
    return {int(domain): int(number) for domain, _, number in parts}
