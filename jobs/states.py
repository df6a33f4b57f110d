"""What heartbeats tell of the jobs, for metrics, probes and the operator's page."""

import math
from datetime import datetime
from typing import Literal, NamedTuple

from django.utils import timezone

from jobs import registry
from jobs.bulkhead import Bulkhead
from jobs.heartbeat import DatabaseStore, Heartbeat, RedisStore

STALE_S = 10.0
"""The age from which on a heartbeat counts for nothing: below the 15 s within which a dead job has to be seen."""
DATABASE_S = 1.0
State = Literal["ok", "failing", "stale", "missing", "unknown"]


class JobState(NamedTuple):
    """What is known of a job, of all workers that run it together.

    `state`: ok; failing (its last step failed, it is tried again); stale (its worker was killed, or its step hangs);
    missing (no worker runs it); unknown (neither Redis nor the database tells). `age_s` is that of its newest
    heartbeat, `worker` the host and process that it is from, `workers` counts those that are alive.
    """

    name: str
    state: State
    age_s: float | None = None
    worker: str = ""
    workers: int = 0
    since: datetime | None = None
    last_success_at: datetime | None = None
    last_error: str = ""
    last_error_at: datetime | None = None
    failures: int = 0
    pending: int | None = None
    pending_age_s: float | None = None
    late_s: float = math.inf

    @property
    def is_late(self) -> bool:
        """Whether work has been waiting for longer than it should."""
        return (self.pending_age_s or 0.0) > self.late_s

    @property
    def is_alive(self) -> bool:
        """Whether a worker runs the job, and its step does not hang."""
        return self.state in {"ok", "failing"}


def job_states() -> list[JobState]:
    """Return the state of each registered job, within two seconds, whichever server hangs; raises nothing.

    Redis is asked, and the database only if Redis does not know of a living worker of each job.
    """
    beats = _from_redis()
    if beats is None or {job.name for job in registry.known()} - {beat.job for beat in beats if beat.age_s < STALE_S}:
        from_database = _from_database()
        if beats is None and from_database is None:
            return [JobState(job.name, "unknown") for job in registry.known()]
        beats = [*(beats or ()), *(from_database or ())]
    return [_state(job, [beat for beat in beats if beat.job == job.name]) for job in registry.known()]


def _state(job: registry.Job, beats: list[Heartbeat]) -> JobState:
    if not beats:
        return JobState(job.name, "missing")
    newest = {beat.worker: beat for beat in sorted(beats, key=_time)}.values()
    last = max(newest, key=_time)
    alive = [beat for beat in newest if beat.age_s < STALE_S]
    failing = max((beat.failures for beat in alive), default=0)
    failed = max(newest, key=lambda beat: beat.failed_at.timestamp() if beat.failed_at else 0)
    return JobState(
        job.name, "stale" if not alive else "failing" if failing else "ok", last.age_s, last.worker, len(alive),
        last.started_at, max((beat.succeeded_at for beat in newest if beat.succeeded_at), default=None),
        failed.error, failed.failed_at, failing, last.pending, _pending_age_s(last),
        job.late_s,
    )  # fmt: skip


def _time(beat: Heartbeat) -> datetime:
    return beat.beat_at


def _pending_age_s(beat: Heartbeat) -> float | None:
    if beat.pending == 0 or (beat.pending is not None and beat.pending_since is None):
        return 0.0 if beat.pending == 0 else None
    return (timezone.now() - beat.pending_since).total_seconds() if beat.pending_since else None


def _from_redis() -> list[Heartbeat] | None:
    try:
        return RedisStore().read()
    except Exception:  # whatever it is: this is looked at when servers fail
        return None


def _from_database() -> list[Heartbeat] | None:
    return _database.begin("heartbeats", DatabaseStore().read).answer(DATABASE_S).value


_database = Bulkhead("heartbeats")
