"""The backend's connection. Everything else is Django's own."""

import time
from typing import Any

from django.db.backends.mysql import base
from django.db.backends.utils import debug_transaction

FRESH_S = 1.0  # a connection that had work until then is not pinged before it is used


class DatabaseWrapper(base.DatabaseWrapper):
    _used_at = 0.0

    def _start_transaction_under_autocommit(self) -> None:
        """For atomic(): BEGIN and COMMIT, a round trip less than `SET autocommit=0`, COMMIT and `SET autocommit=1`."""
        with debug_transaction(self, "BEGIN"), self.wrap_database_errors:
            self.connection.query("BEGIN")

    def close_if_health_check_failed(self) -> None:
        if time.monotonic() - self._used_at > FRESH_S:
            super().close_if_health_check_failed()

    def create_cursor(self, name: str | None = None) -> Any:
        self._used_at = time.monotonic()
        return super().create_cursor(name)
