"""The framework's tables."""

from django.db import models
from django.db.models.functions import Now


class PendingInvalidation(models.Model):
    """A key that was written while Redis could not be told: committed with the write, gone once the key is deleted."""

    key = models.CharField(max_length=250)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.key


class RedisRun(models.Model):
    """A server's time as a master, on which all processes have agreed.

    `mark` is what entries of it begin with, `generation` a number that Redis has as well (caching.protocol.copies).
    """

    run = models.CharField(max_length=40, unique=True)
    previous = models.CharField(max_length=40, default="", db_index=True)
    mark = models.CharField(max_length=16, default="")
    generation = models.BigIntegerField(default=0, db_default=0)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.run
