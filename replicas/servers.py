"""The replicas that this process may read, and whether each of them is up to date at this moment."""

import logging
import time
from functools import cache
from itertools import count

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, Error, connections

from replicas import positions

WAIT_S = 0.05
"""How long a read waits in all for replicas to apply what was committed before it."""
BEHIND_PAUSE_S, FAILED_PAUSE_S = 1.0, 5.0
"""How long a replica that was behind, or did not answer, is not asked."""

log = logging.getLogger(__name__)
_turn = count()


class Replica:
    """One replica, by its alias in DATABASES."""

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self._is_used = True
        self._not_before = 0.0

    def is_due(self) -> bool:
        """Return whether the replica may be asked now."""
        return time.monotonic() >= self._not_before

    def has_applied(self, position: str, wait_s: float) -> bool:
        """Return whether the replica has a position; if it has not, or does not answer, it is not asked for a while."""
        if not self._is_used:
            self._not_before = time.monotonic() + FAILED_PAUSE_S  # while this thread tries it, others do not
        try:
            applied = positions.has_applied(connections[self.alias], position, wait_s)
        except Error as error:
            self.failed(error)
            return False
        if applied:
            self._resume()
        else:
            self.pause(BEHIND_PAUSE_S, f"it was behind the writer for more than {WAIT_S * 1000:.0f} ms")
        return applied

    def failed(self, error: Exception) -> None:
        """Take note that a statement failed on the replica, or a connection to it."""
        connections[self.alias].close()
        self.pause(FAILED_PAUSE_S, str(error))

    def pause(self, pause_s: float, reason: str) -> None:
        """Do not ask the replica for some seconds; the log has the reason of the first of several pauses."""
        self._not_before = time.monotonic() + pause_s
        if self._is_used:
            log.warning("%s is not read until it is up to date, the writer answers: %s", self._name(), reason)
        self._is_used = False

    def _resume(self) -> None:
        self._not_before = 0.0
        if not self._is_used:
            log.warning("%s is read again.", self._name())
        self._is_used = True

    def _name(self) -> str:
        server = connections.settings[self.alias]
        return f"The replica {server['HOST']}:{server['PORT'] or 3306}"


@cache
def replicas() -> tuple[Replica, ...]:
    """Return the replicas of the settings."""
    return tuple(map(Replica, settings.REPLICAS))


def up_to_date() -> Replica | None:
    """Return a replica that has all that is committed by now, each in turn; None if no one has."""
    turn, all_ = next(_turn), replicas()
    due = [each for each in (*all_[turn % len(all_) :], *all_[: turn % len(all_)]) if each.is_due()]
    if not due:
        return None
    if not (position := positions.committed(connections[DEFAULT_DB_ALIAS])):
        for each in due:
            each.pause(FAILED_PAUSE_S, "the writer tells no GTID; switch its binary log on, and on MySQL gtid_mode")
        return None
    deadline = time.monotonic() + WAIT_S
    return next((each for each in due if each.has_applied(position, max(deadline - time.monotonic(), 0))), None)
