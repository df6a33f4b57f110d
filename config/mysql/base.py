"""Django's MySQL backend with fewer round trips: for transactions, and for the check of connections."""

import time
from typing import Any

from django.db.backends.mysql import base
from django.db.backends.utils import debug_transaction

from config.mysql.schema import DatabaseSchemaEditor

UNCHECKED_IDLE_S = 1.0  # a connection that was idle no longer than this is not pinged before it is used


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection to MySQL or MariaDB."""

    SchemaEditorClass = DatabaseSchemaEditor
    _used_at = 0.0

    def _start_transaction_under_autocommit(self) -> None:
        """Begin a transaction of atomic() by BEGIN, which saves a round trip: `SET autocommit` before and after it."""
        with debug_transaction(self, "BEGIN"), self.wrap_database_errors:
            self.connection.query("BEGIN")

    def close_if_health_check_failed(self) -> None:
        if time.monotonic() - self._used_at > UNCHECKED_IDLE_S:
            super().close_if_health_check_failed()

    def create_cursor(self, name: str | None = None) -> Any:
        self._used_at = time.monotonic()
        return super().create_cursor(name)
