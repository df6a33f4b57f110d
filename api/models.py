"""What the API remembers of requests."""

from django.db import models
from django.utils import timezone


class IdempotentRequest(models.Model):
    """The answer to a request with an Idempotency-Key; see api.idempotency.

    The row is inserted, and gets its answer, in the transaction of what the request writes. `caller_id` is no foreign
    key, because accounts are a matter of an upper layer.
    """

    id = models.BigAutoField(primary_key=True)
    caller_id = models.BigIntegerField(default=0)
    key_digest = models.CharField(max_length=64, default="")
    request_digest = models.CharField(max_length=64, default="")
    status = models.PositiveSmallIntegerField(default=0)
    body = models.BinaryField(default=b"")
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["caller_id", "key_digest"], name="api_idempotentrequest_key")]

    def __str__(self) -> str:
        return f"{self.caller_id}: {self.status}"
