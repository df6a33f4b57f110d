"""The framework's only table."""

from django.db import models
from django.utils import timezone


class PendingInvalidation(models.Model):
    """A key that was written while Redis could not be told: committed with the write, gone once the key is deleted.

    `created_at` is later than now for a write outside of a transaction: the row is applied again and again until then.
    """

    key = models.CharField(max_length=250)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.key
