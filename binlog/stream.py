"""What the log tells, entry by entry, read by a thread so that what has come meanwhile is dealt with at once."""

import logging
import queue
import secrets
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pymysql
from django.db import connections
from pymysqlreplication import BinLogStreamReader
from pymysqlreplication import event as events
from pymysqlreplication.row_event import DeleteRowsEvent, UpdateRowsEvent, WriteRowsEvent

from binlog.entries import Entry, Reader
from binlog.failures import Disconnected, LostPosition, NotAllowed
from binlog.tables import Table

HEARTBEAT_S = 0.5
SILENCE_S = 5.0
"""A server that has said nothing for so long, not even that nothing has happened, is gone."""
MOST_ENTRIES = 200
"""Entries that wait to be dealt with; the reader waits meanwhile."""
LOST_POSITION, NO_PRIVILEGE = 1236, (1045, 1142, 1227)
logging.getLogger("pymysqlreplication").setLevel(logging.CRITICAL)  # it complains of what is raised here as well


class Stream:
    """The log from a position on. A thread reads it, until `close()`."""

    def __init__(self, using: str, gtids: str, tables: dict[str, Table]) -> None:
        self._entries: queue.Queue[Entry | Exception] = queue.Queue(MOST_ENTRIES)
        self._closed = threading.Event()
        self._connections = 0
        self._log = BinLogStreamReader(
            _parameters(using),
            server_id=secrets.randbelow(1 << 31) + (1 << 31),
            blocking=True,
            is_mariadb=True,
            auto_position=gtids,
            slave_heartbeat=HEARTBEAT_S,
            only_tables=list(tables),
            only_schemas=[connections[using].settings_dict["NAME"]],
            filter_non_implemented_events=False,
            freeze_schema=True,  # a table's description, half of the work, is read once for each of its numbers
            only_events=[
                events.MariadbGtidEvent, events.XidEvent, events.QueryEvent, events.HeartbeatLogEvent,
                events.NotImplementedEvent, WriteRowsEvent, UpdateRowsEvent, DeleteRowsEvent,
                events.FormatDescriptionEvent,
            ],
            pymysql_wrapper=self._connect,
            enable_logging=False,
        )  # fmt: skip
        self._reader = Reader(gtids, tables)
        threading.Thread(target=self._read, name="binlog", daemon=True).start()

    def take(self, wait_s: float) -> list[Entry]:
        """Return what the log has told since the last call, as soon as there is anything, within `wait_s`.

        Raises Disconnected, LostPosition, NotAllowed, once what came before has been returned.
        """
        taken: list[Entry] = []
        with suppress(queue.Empty):
            item = self._entries.get(timeout=wait_s)
            while isinstance(item, Entry):
                taken.append(item)
                item = self._entries.get_nowait()
            if not taken:
                raise item
            self._entries.put(item)
        return taken

    def close(self) -> None:
        """End the reader, which closes its connections when it next hears of the server."""
        self._closed.set()

    def _connect(self, **parameters: Any) -> Any:
        if self._connections == 2:  # one for the log, one for questions: the library would go on for ever
            raise Disconnected("The server has closed the connection, or has said nothing for too long.")
        parameters["database"] = parameters.pop("db", None)  # the library uses a deprecated name
        self._connections += 1
        return pymysql.connect(**parameters)

    def _read(self) -> None:
        try:
            for entry in self._read_entries():
                self._put(entry)
        except Exception as error:
            self._put(_meant_by(error))
        finally:
            with suppress(Exception):
                self._log.close()

    def _read_entries(self) -> Iterator[Entry]:
        while not self._closed.is_set():
            try:
                event = self._log.fetchone()
            except (pymysql.MySQLError, OSError):
                raise
            except Exception as error:  # whatever the library cannot read: it is not tried again
                yield self._reader.unreadable(error)
                raise Disconnected(f"An event of the log cannot be read: {error!r}.") from error
            if isinstance(event, events.FormatDescriptionEvent):  # another file, of a server that may number anew
                self._log.table_map = {}
            yield from self._reader.entries(event)

    def _put(self, item: Entry | Exception) -> None:
        while not self._closed.is_set():
            with suppress(queue.Full):
                self._entries.put(item, timeout=0.5)
                return


def _meant_by(error: Exception) -> Exception:
    """Return what an error of the library's means to the follower."""
    if not isinstance(error, pymysql.MySQLError):
        return error
    code = error.args[0] if error.args else 0
    kind = LostPosition if code == LOST_POSITION else NotAllowed if code in NO_PRIVILEGE else Disconnected
    return kind(" ".join(map(str, error.args)))


def _parameters(using: str) -> dict[str, Any]:
    """Return how the library connects to the server of a database, as Django's driver does."""
    given = connections[using].get_connection_params()
    names = ("host", "port", "user", "password", "unix_socket", "ssl")
    return {
        **{name: given[name] for name in names if given.get(name)},
        "charset": "utf8mb4", "connect_timeout": given.get("connect_timeout", 3), "read_timeout": SILENCE_S,
    }  # fmt: skip
