"""A MariaDB writer with a replica, which tests may freeze, cut off, kill and start again."""

import os
import signal
from pathlib import Path
from typing import Any

import MySQLdb

from devtools import servers
from tests.support.polling import wait_until

DATABASE = "hotpath"


class Server:
    """One MariaDB, and statements of the test's own on it."""

    def __init__(self, folder: Path, number: int) -> None:
        folder.mkdir()
        self.folder = folder
        self.options = [f"--server-id={number}", "--log-bin", "--log-slave-updates"]
        self.port, self.process = servers.start_mariadb(folder, *self.options)
        self.url = f"mysql://root@127.0.0.1:{self.port}/{DATABASE}"

    def execute(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a statement on a new connection, and return its rows."""
        connection = MySQLdb.connect(host="127.0.0.1", port=self.port, user="root", autocommit=True)
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return list(cursor.fetchall())
        finally:
            connection.close()

    def selects(self) -> int:
        """Return how many SELECTs the server has run."""
        return int(self.execute("SHOW GLOBAL STATUS LIKE 'Com_select'")[0][1])


class Replicated:
    """A writer, and a replica of it that applies all that the writer commits."""

    def __init__(self, folder: Path) -> None:
        self.writer, self.replica = Server(folder / "writer", 1), Server(folder / "replica", 2)
        self.replica.execute(
            f"CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT={self.writer.port}, MASTER_USER='root', "
            "MASTER_CONNECT_RETRY=1, MASTER_USE_GTID=slave_pos"
        )
        self.replica.execute("START SLAVE")
        self.writer.execute(f"CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4")

    def stop(self, thread: str = "SQL_THREAD") -> None:
        """Stop a thread of the replica, which then keeps what it has: SQL_THREAD, or IO_THREAD."""
        self.replica.execute(f"STOP SLAVE {thread}")

    def resume(self) -> None:
        """Let the replica apply everything, and wait until it has."""
        self.replica.execute("START SLAVE")
        wait_until(self._is_up_to_date)

    def kill(self) -> None:
        """End the replica at once."""
        self.replica.process.kill()
        self.replica.process.wait()

    def restart(self) -> None:
        """Start a killed replica on its data."""
        _, self.replica.process = servers.restart_mariadb(self.replica.folder, self.replica.port, *self.replica.options)
        wait_until(self._is_up_to_date)

    def pause(self) -> None:
        """Let the replica's process accept connections and answer nothing."""
        os.kill(self.replica.process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """End a pause."""
        os.kill(self.replica.process.pid, signal.SIGCONT)

    def _is_up_to_date(self) -> bool:
        ((position,),) = self.writer.execute("SELECT @@gtid_binlog_pos")
        return self.replica.execute(f"SELECT MASTER_GTID_WAIT('{position}', 1)") == [(0,)]
