"""The table of heartbeats."""

from django.db import models


class HeartbeatRow(models.Model):
    """A jobs.heartbeat.Heartbeat in the database."""

    pk = models.CompositePrimaryKey("job", "worker")
    job = models.CharField(max_length=60)
    worker = models.CharField(max_length=190)
    beat_at = models.DateTimeField()
    started_at = models.DateTimeField()
    succeeded_at = models.DateTimeField(null=True, default=None)
    failed_at = models.DateTimeField(null=True, default=None)
    error = models.CharField(max_length=300, default="", db_default="")
    failures = models.PositiveIntegerField(default=0, db_default=0)
    pending = models.PositiveBigIntegerField(null=True, default=None)
    pending_since = models.DateTimeField(null=True, default=None)

    class Meta:
        db_table = "jobs_heartbeat"

    def __str__(self) -> str:
        return f"{self.job} in {self.worker}"
