"""How long single events are kept: POPUP_EVENT_DAYS. What they add up to, by user and by day, is kept for good.

A claim begins with its time, so what is kept no longer lies at the beginning of an index. Clicks on claims that are
that old are refused, because their table could no longer tell a repeated click from a first one.
"""

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from jobs.deletion import in_chunks
from popups.delivery.claims import earliest_claim
from popups.models import Event

LATE = timedelta(days=3)
"""By so much claims are refused before their events are deleted: events may wait in the stream meanwhile."""


def is_accepted(claim: str) -> bool:
    """Return whether events of a claim are still recorded."""
    return claim >= earliest_claim(timezone.now() - _kept() + LATE)


def sweep_expired() -> Iterator[int]:
    """Delete the events of claims that are kept no longer, in chunks. Registered with jobs.deletion."""
    return in_chunks(Event.objects.filter(claim__lt=earliest_claim(timezone.now() - _kept())), by="claim")


def _kept() -> timedelta:
    return timedelta(days=settings.POPUP_EVENT_DAYS)
