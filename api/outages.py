"""Servers that are away: a process logs in one line that one has gone, with the cause, and in one that it is back."""

import logging
import threading
import time
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.backends.signals import connection_created

logger = logging.getLogger(__name__)


class Outage:
    """Whether a server is away, as far as this process has noticed."""

    def __init__(self, server: str, consequence: str) -> None:
        self._server, self._consequence = server, consequence
        self._since_s: float | None = None
        self._lock = threading.Lock()

    def failed(self, cause: object) -> None:
        """Note that the server did not answer."""
        if self._since_s is None:
            with self._lock:
                is_first, self._since_s = self._since_s is None, self._since_s or time.monotonic()
            if is_first:
                logger.warning("%s cannot be reached (%s): %s.", self._server, cause, self._consequence)

    def answered(self, **_: Any) -> None:
        """Note that the server has answered."""
        if self._since_s is not None:
            with self._lock:
                since_s, self._since_s = self._since_s, None
            if since_s is not None:
                logger.warning("%s answers again, after %.1f s.", self._server, time.monotonic() - since_s)


database = Outage("The database", "requests that need it are answered 503 until it answers again")
"""The outage of the database; a connection that Django makes ends it."""


def _connected(*, connection: Any, **_: object) -> None:
    if connection.alias == DEFAULT_DB_ALIAS:
        database.answered()


connection_created.connect(_connected)
