"""The rolled-up counters, what is still to be rolled up, and how far the reconciliation of a set has come."""

from django.db import models
from django.utils import timezone


class Counter(models.Model):
    """What has been rolled up. The value shown is this one and the pending deltas of the same target and name."""

    kind = models.CharField(max_length=32, default="")
    target_id = models.BigIntegerField(default=0)
    name = models.CharField(max_length=32, default="")
    value = models.BigIntegerField(default=0)
    last_delta_id = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "target_id", "name"], name="counters_counter_target")]

    def __str__(self) -> str:
        return f"{self.kind}:{self.target_id} {self.name}"


class Delta(models.Model):
    """A change of a counter, inserted in the transaction that changed the rows; never updated, deleted when folded."""

    kind = models.CharField(max_length=32, default="")
    target_id = models.BigIntegerField(default=0)
    name = models.CharField(max_length=32, default="")
    amount = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["kind", "target_id", "name"], name="counters_delta_target")]

    def __str__(self) -> str:
        return f"{self.kind}:{self.target_id} {self.name} {self.amount:+}"


class Reconciliation(models.Model):
    """One row per kind: its lock keeps two reconciliations from mending one drift twice."""

    kind = models.CharField(max_length=32, unique=True, default="")
    done_up_to = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.kind} up to {self.done_up_to}"
