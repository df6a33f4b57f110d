"""Sessions of the staff in the admin: rows that Django leaves behind when they expire."""

from collections.abc import Iterator
from typing import Any

from django.contrib.sessions.models import Session
from django.utils import timezone

from jobs.deletion import in_chunks


def sweep_expired() -> Iterator[int]:
    """Delete the sessions that have expired, in chunks. Registered with jobs.deletion."""
    return in_chunks(Session.objects.filter(expire_date__lt=timezone.now()), _delete)


def _delete(keys: list[Any]) -> None:
    Session.objects.filter(pk__in=keys).delete()
