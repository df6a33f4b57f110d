"""Who follows: of several workers one leads, by a row of the database that it writes again every second."""

import os
import secrets
import socket
from datetime import timedelta
from typing import Any

from django.db import router
from django.db.models import Q
from django.db.models.functions import Now

from binlog.models import Position

LEASE_S = 3.0
"""How long a leader that says nothing is left alone; another one takes its place within LEASE_S and a second."""


class NotLeading(Exception):
    """Another worker has taken the lead; the message names it."""


class Lead:
    """The lead of this process in following a database, if it has it."""

    def __init__(self) -> None:
        self.using = router.db_for_write(Position)
        self._name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"

    def take(self) -> bool:
        """Return whether this process leads from now on for LEASE_S: it has led before, or nobody does."""
        own = self._row().filter(Q(leader=self._name) | Q(leads_until=None) | Q(leads_until__lt=Now()))
        lease = {"leader": self._name, "leads_until": Now() + timedelta(seconds=LEASE_S)}
        if own.update(**lease):
            return True
        if self._row().exists():
            return False
        Position.objects.using(self.using).bulk_create([Position(database=self.using)], ignore_conflicts=True)
        return bool(own.update(**lease))

    def position(self) -> Position:
        """Return the row."""
        position: Position = self._row().get()
        return position

    def note(self, **columns: Any) -> None:
        """Write columns of the row, and lead on; raises NotLeading."""
        lease_end = Now() + timedelta(seconds=LEASE_S)
        if not self._row().filter(leader=self._name).update(leads_until=lease_end, **columns):
            raise NotLeading(f"{self.position().leader} has taken the lead.")

    def note_problem(self, problem: str) -> None:
        """Write why nobody follows, whoever leads."""
        self.take()
        self._row().update(problem=problem)

    def _row(self) -> Any:
        return Position.objects.using(self.using).filter(database=self.using)
