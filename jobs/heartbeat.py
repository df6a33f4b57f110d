"""Heartbeats: what each job of each worker last did. Written to two stores, so that one of them may be away."""

import contextlib
from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec
from django.db import close_old_connections, connections, router
from django.utils import timezone

from caching.api import redis_client
from caching.extend import prefix

FORGOTTEN = timedelta(hours=1)
"""The age from which on heartbeats of workers that were killed are deleted, when another worker starts or ends."""


class Heartbeat(msgspec.Struct):
    """The heartbeat of one job in one worker, a process named by its host and number.

    `beat_at` is when the job was last known to be well: idle, or waiting to be tried again. It stands still while a
    step runs, so that a step that hangs is seen. `failures` counts those in a row, `error` tells the last one.
    """

    job: str
    worker: str
    beat_at: datetime
    started_at: datetime
    succeeded_at: datetime | None = None
    failed_at: datetime | None = None
    error: str = ""
    failures: int = 0
    pending: int | None = None
    pending_since: datetime | None = None

    @property
    def age_s(self) -> float:
        """The seconds since `beat_at`, by the clock of this host."""
        return max(0.0, (timezone.now() - self.beat_at).total_seconds())


class RedisStore:
    """Heartbeats in one hash of Redis. Every method raises redis.RedisError or OSError."""

    name = "Redis"

    def write(self, beats: Iterable[Heartbeat]) -> None:
        """Write heartbeats in the place of earlier ones of the same jobs and workers."""
        redis_client().hset(_key(), mapping={f"{beat.job} {beat.worker}": msgspec.json.encode(beat) for beat in beats})

    def read(self) -> list[Heartbeat]:
        """Return all heartbeats but those that another release has written differently."""
        return list(self._read().values())

    def clear(self, worker: str) -> None:
        """Delete the heartbeats of a worker, and those that are forgotten."""
        known = self._read().items()
        gone = [field for field, beat in known if beat.worker == worker or beat.age_s > FORGOTTEN.total_seconds()]
        if gone:
            redis_client().hdel(_key(), *gone)

    def _read(self) -> dict[bytes, Heartbeat]:
        beats = {}
        for field, written in redis_client().hgetall(_key()).items():
            with contextlib.suppress(msgspec.DecodeError):
                beats[field] = msgspec.json.decode(written, type=Heartbeat)
        return beats


class DatabaseStore:
    """Heartbeats in the table jobs_heartbeat. Every method raises django.db.Error."""

    name = "the database"

    def write(self, beats: Iterable[Heartbeat]) -> None:
        """Write heartbeats in the place of earlier ones of the same jobs and workers, in one statement."""
        from jobs.models import HeartbeatRow

        close_old_connections()
        using = router.db_for_write(HeartbeatRow)
        key, changed = Heartbeat.__struct_fields__[:2], Heartbeat.__struct_fields__[2:]
        target = connections[using].features.supports_update_conflicts_with_target
        HeartbeatRow.objects.using(using).bulk_create(
            [HeartbeatRow(**msgspec.structs.asdict(beat)) for beat in beats],
            update_conflicts=True, update_fields=changed, unique_fields=key if target else None,
        )  # fmt: skip

    def read(self) -> list[Heartbeat]:
        """Return all heartbeats."""
        from jobs.models import HeartbeatRow

        rows = HeartbeatRow.objects.using(router.db_for_write(HeartbeatRow))
        return [Heartbeat(**row) for row in rows.values(*Heartbeat.__struct_fields__)]

    def clear(self, worker: str) -> None:
        """Delete the heartbeats of a worker, and those that are forgotten."""
        from jobs.models import HeartbeatRow

        rows = HeartbeatRow.objects.using(router.db_for_write(HeartbeatRow))
        rows.filter(worker=worker).delete()
        rows.filter(beat_at__lt=timezone.now() - FORGOTTEN).delete()


def _key() -> str:
    return f"{prefix()}:jobs"
