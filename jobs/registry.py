"""The jobs that have to run beside the web processes, as the applications register them."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import QuerySet

MOST_COUNTED = 100_000


class Waiting(NamedTuple):
    """How much work waits for a job, and since when its oldest part does; None if that is not known."""

    number: int
    since: datetime | None = None


class Job(NamedTuple):
    """Work that is done every `interval_s` seconds for as long as a worker runs.

    `step` does a part of the work that waits, and returns whether more is likely to wait. It may be called in several
    processes at once, and again after any error. What it has not begun within a transaction must be safe to do twice.
    `waiting` tells how much work waits; it is asked every few seconds. Work that has waited for `late_s` is late, which
    operators are told.
    """

    name: str
    step: Callable[[], object]
    waiting: Callable[[], Waiting] | None = None
    interval_s: float = 1.0
    late_s: float = 10.0


class UnknownJob(LookupError):
    """No application has registered a job of that name; the message names those that there are."""


_jobs: dict[str, Job] = {}


def register(job: Job) -> None:
    """Register a job for `manage.py run_jobs`, in place of one of the same name. Call it in AppConfig.ready()."""
    _jobs[job.name] = job


def known() -> list[Job]:
    """Return all registered jobs, in the order of their names."""
    return sorted(_jobs.values())


def chosen(names: Iterable[str]) -> list[Job]:
    """Return the jobs of these names, each once; all if there are none. Raises UnknownJob."""
    wanted = set(names)
    if unknown := sorted(wanted - _jobs.keys()):
        raise UnknownJob(f"There is no job {unknown[0]}. There are: {', '.join(sorted(_jobs))}.")
    return [job for job in known() if not wanted or job.name in wanted]


def waiting_rows(rows: QuerySet[Any], since: str) -> Waiting:
    """Return the number of rows, MOST_COUNTED at most, and the column `since` of the one with the least primary key."""
    return Waiting(rows.order_by()[:MOST_COUNTED].count(), rows.order_by("pk").values_list(since, flat=True).first())
