"""What the log tells, as a stream of transactions, read by a thread so that many can be dealt with at once."""

import queue
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import pymysql
from django.db import connections
from pymysqlreplication import BinLogStreamReader
from pymysqlreplication import event as events
from pymysqlreplication.row_event import DeleteRowsEvent, RowsEvent, UpdateRowsEvent, WriteRowsEvent

from binlog.tables import Table
from caching.extend import LoggedTransaction, RowChange

HEARTBEAT_S = 0.5
SILENCE_S = 5.0
"""A server that has said nothing for so long, not even that nothing has happened, is gone."""
MOST_ROWS = 1_000
"""Rows of one transaction that are dealt with at once."""
MOST_PARTS = 200
"""Parts of transactions that wait; the reader waits meanwhile."""
INCIDENT, FIRST_UNKNOWN = 26, 165
"""Types of events: the server may have lost some; compressed events, and those of later releases."""
PASSING = ("BEGIN", "COMMIT", "SAVEPOINT", "ROLLBACK", "XA START", "XA END", "# DUM")
"""What statements begin with that change nothing by themselves."""


class Disconnected(OSError):
    """The server has gone away, or says nothing any more."""


class Entry(NamedTuple):
    """Something that the log tells: a transaction or a part of it, a statement, or a gap with its reason; nothing of
    these where nothing has happened. `gtid` is that of a transaction that is complete."""

    gtid: str = ""
    logged_at: float = 0.0
    rows: LoggedTransaction | None = None
    statement: str = ""
    gap: str = ""


class Stream:
    """The log from a position on. Another thread reads it, until `close()`."""

    def __init__(self, using: str, gtids: str, tables: dict[str, Table]) -> None:
        self._tables = tables
        self._entries: queue.Queue[Entry | Exception] = queue.Queue(MOST_PARTS)
        self._closed = threading.Event()
        self._connections: list[Any] = []
        self._parameters = _parameters(using)
        self._reader = BinLogStreamReader(
            self._parameters,
            server_id=secrets.randbelow(1 << 31) + (1 << 31),
            blocking=True,
            is_mariadb=True,
            auto_position=gtids,
            slave_heartbeat=HEARTBEAT_S,
            only_tables=list(tables),
            only_schemas=[connections[using].settings_dict["NAME"]],
            filter_non_implemented_events=False,
            only_events=[
                events.MariadbGtidEvent, events.XidEvent, events.QueryEvent, events.HeartbeatLogEvent,
                events.NotImplementedEvent, WriteRowsEvent, UpdateRowsEvent, DeleteRowsEvent,
            ],
            pymysql_wrapper=self._connect,
            enable_logging=False,
        )  # fmt: skip
        self._last: dict[int, int] = _numbers(gtids)
        self._thread = threading.Thread(target=self._read, name="binlog", daemon=True)
        self._thread.start()

    def take(self, wait_s: float) -> list[Entry]:
        """Return what the log has told since the last call, after at most `wait_s`; raises what the reader raised."""
        taken: list[Entry] = []
        with suppress(queue.Empty):
            item = self._entries.get(timeout=wait_s)
            while True:
                if isinstance(item, Exception):
                    if taken:
                        self._entries.put(item)
                        break
                    raise item
                taken.append(item)
                item = self._entries.get_nowait()
        return taken

    def close(self) -> None:
        """End the reader."""
        self._closed.set()
        for connection in self._connections:
            with suppress(Exception):
                connection._force_close()
        with suppress(queue.Empty):
            while True:
                self._entries.get_nowait()

    def _connect(self, **parameters: Any) -> Any:
        # The library would connect again for ever, silently.
        if len(self._connections) >= 2:
            raise Disconnected("The server has closed the connection, or has said nothing for too long.")
        if "db" in parameters:
            parameters["database"] = parameters.pop("db")  # the library uses a deprecated name
        connection = pymysql.connect(**parameters)
        self._connections.append(connection)
        return connection

    def _read(self) -> None:
        try:
            for entry in self._read_entries():
                self._put(entry)
        except Exception as error:
            self._put(error)

    def _put(self, item: Entry | Exception) -> None:
        while not self._closed.is_set():
            with suppress(queue.Full):
                self._entries.put(item, timeout=0.5)
                return

    def _read_entries(self) -> Iterator[Entry]:
        gtid, changes = "", list[RowChange]()
        while not self._closed.is_set():
            event = self._reader.fetchone()
            if isinstance(event, events.HeartbeatLogEvent):
                yield Entry(logged_at=time.time())
            elif isinstance(event, events.MariadbGtidEvent):
                gtid, changes = event.gtid, []
                if gap := self._gap_before(event):
                    yield Entry(gap=gap)
            elif isinstance(event, RowsEvent):
                changes += self._changes(event)
                if len(changes) >= MOST_ROWS:
                    yield Entry(rows=LoggedTransaction(changes, False), logged_at=event.timestamp)
                    changes = []
            elif isinstance(event, events.XidEvent):
                yield Entry(gtid, event.timestamp, LoggedTransaction(changes))
            elif isinstance(event, events.QueryEvent):
                yield from self._statement(event, gtid, changes)
            elif event is not None and (event.event_type == INCIDENT or event.event_type >= FIRST_UNKNOWN):
                yield Entry(gap=f"an event of type {event.event_type}, which is not understood")

    def _statement(self, event: Any, gtid: str, changes: list[RowChange]) -> Iterator[Entry]:
        if event.query.startswith("COMMIT"):
            yield Entry(gtid, event.timestamp, LoggedTransaction(changes))
        elif not event.query.startswith(PASSING):
            yield Entry(gtid, event.timestamp, statement=event.query)

    def _gap_before(self, event: Any) -> str:
        """Return what is missing before a transaction, if anything is: the numbers of a domain have no gaps."""
        before = self._last.get(event.domain_id)
        self._last[event.domain_id] = event.gtid_seq_no
        if before is not None and event.gtid_seq_no > before + 1:
            return f"the log goes on with {event.gtid} after number {before}"
        return ""

    def _changes(self, event: Any) -> Iterator[RowChange]:
        table = self._tables[event.table]
        for row in event.rows:
            before, after = row.get("before_values"), row.get("after_values")
            if isinstance(event, DeleteRowsEvent):
                before = row["values"]
            elif isinstance(event, WriteRowsEvent):
                after = row["values"]
            yield RowChange(table.model, *(values and table.instance(values) for values in (before, after)))


def _parameters(using: str) -> dict[str, Any]:
    """Return how the library connects to the server of a database, as Django's driver does."""
    given = connections[using].get_connection_params()
    names = ("host", "port", "user", "password", "unix_socket", "ssl")
    return {
        **{name: given[name] for name in names if given.get(name)},
        "charset": "utf8mb4", "connect_timeout": given.get("connect_timeout", 3), "read_timeout": SILENCE_S,
    }  # fmt: skip


def _numbers(gtids: str) -> dict[int, int]:
    """Return the last number of each domain in a position such as "0-1-270,1-2-15"."""
    parts = (each.strip().split("-") for each in gtids.split(",") if each.strip())
    return {int(domain): int(number) for domain, _, number in parts}
