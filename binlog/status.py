"""How the log is being followed, by what the leader has noted."""

from datetime import timedelta
from typing import NamedTuple

from django.db import router
from django.db.models import DateTimeField, ExpressionWrapper
from django.db.models.functions import Now

from binlog import requirements
from binlog.models import Position

FRESH = timedelta(seconds=5)
"""The age of what a leader has last heard, up to which the log counts as followed."""


class Status(NamedTuple):
    """Whether the log is followed, up to where, by whom; `lag_s` is the age of the last transaction that waited.

    `problem` tells why it is not, and `gtids` are "" where it never was. `has_log` is false where nothing is amiss, as
    the database is of a kind whose log is not followed.
    """

    is_following: bool
    lag_s: float = 0.0
    heard_age_s: float | None = None
    gtids: str = ""
    leader: str = ""
    problem: str = ""
    has_log: bool = True

    @property
    def bound(self) -> str:
        """The sentence on how soon an edit past the application is seen."""
        if not self.is_following:
            return f"Edits past the application are seen when entries expire. {self.problem}"
        soon = "within a second" if self.lag_s < 1 else f"after {self.lag_s:.0f} s, as the follower is behind"
        return f"Edits past the application are seen {soon}."


def status() -> Status:
    """Return how the log is being followed now; raises django.db.Error."""
    using = router.db_for_write(Position)
    if not requirements.has_log(using):
        return Status(False, problem=requirements.missing(using), has_log=False)
    rows = Position.objects.using(using)
    row = rows.annotate(now=ExpressionWrapper(Now(), DateTimeField())).first()
    if row is None:
        return Status(False, problem="No worker has followed the binary log yet.")
    age = None if row.heard_at is None else row.now - row.heard_at
    is_following = not row.problem and age is not None and age < FRESH
    problem = "" if is_following else row.problem or "No worker follows the binary log, or it cannot be read."
    return Status(is_following, row.lag_s, None if age is None else age.total_seconds(), row.gtids, row.leader, problem)
