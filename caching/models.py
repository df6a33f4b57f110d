"""The framework's only table."""

from django.db import models


class PendingInvalidation(models.Model):
    """A key that was written while Redis could not be told: committed with the write, gone once the key is deleted."""

    key = models.CharField(max_length=250)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.key
