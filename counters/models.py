"""The rolled-up counters, the delta log, and the progress of reconciliations."""

from django.db import models
from django.utils import timezone


class Counter(models.Model):
    """A rolled-up counter. The value shown is the sum of `value` and of the pending deltas of the same counter."""

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
    """A change of a counter, inserted in the transaction that changed the rows, and deleted by the roll-up."""

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
    """The progress of a kind's reconciliation. The row's lock keeps two runs from mending one drift twice."""

    kind = models.CharField(max_length=32, unique=True, default="")
    done_up_to = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.kind} up to {self.done_up_to}"
