"""Changes of tables that give way to the traffic of a service that runs meanwhile."""

import logging
import time
from contextlib import suppress
from typing import Any

from django.db import DatabaseError, OperationalError
from django.db.backends.mysql import schema

from config import databases

WAIT_S = 2  # for a table's lock; whoever comes to the table meanwhile waits behind the change
PAUSE_S = 1.0
ATTEMPTS = 60
LOCK_WAIT_TIMEOUT = 1205
log = logging.getLogger(__name__)


class DatabaseSchemaEditor(schema.DatabaseSchemaEditor):
    """Gives a statement up that does not get its locks within WAIT_S, and tries it again after a pause.

    A change of a table waits for all transactions that have used it, and new ones wait behind the change, so that one
    long transaction (a backup) could stop the service. A statement that was given up has changed nothing.
    """

    def __enter__(self) -> Any:
        if not self.collect_sql:
            self._set_lock_waits(WAIT_S)
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        if not self.collect_sql:
            with suppress(DatabaseError):  # an error of the change itself is the one to be told
                self._set_lock_waits(databases.LOCK_WAIT_S)

    def _set_lock_waits(self, seconds: int) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(f"SET lock_wait_timeout={seconds}, innodb_lock_wait_timeout={seconds}")

    def execute(self, sql: Any, params: Any = ()) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return super().execute(sql, params)
            except OperationalError as error:
                if error.args[:1] != (LOCK_WAIT_TIMEOUT,) or attempt == ATTEMPTS:
                    raise
                log.warning("%s. This waits for other transactions (attempt %d of %d).", sql, attempt, ATTEMPTS)
                time.sleep(PAUSE_S)
        return None
