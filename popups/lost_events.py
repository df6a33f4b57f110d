"""Counts of events that could not be recorded: in memory at once, in the log and in the table each second."""

import logging
import threading
from collections import Counter
from datetime import date

from django.db import router
from django.utils import timezone

from caching.api import Counts
from counters.api import upsert
from popups.models import Unrecorded

Reason = Unrecorded.Reason
logger = logging.getLogger(__name__)
_counts: Counter[tuple[date, str]] = Counter()
_lock = threading.Lock()
lost: Counts[str] = Counts()
"""By reason, since this process started."""


def count(reason: Reason, times: int = 1) -> None:
    """Count lost events in memory; the next save() writes them."""
    lost.add(reason.value, times)
    with _lock:
        _counts[timezone.now().date(), reason.value] += times


def unsaved() -> dict[tuple[date, str], int]:
    """Return {(day, reason): times} that this process has counted and not saved yet."""
    with _lock:
        return dict(_counts)


def save() -> None:
    """Add the counts since the last call to the table; raises DatabaseError, and keeps the counts for the next call."""
    with _lock:
        counts = dict(_counts)
        _counts.clear()
    rows = [(day, reason, times) for (day, reason), times in sorted(counts.items())]
    try:
        upsert(router.db_for_write(Unrecorded), Unrecorded, ("day", "reason"), {"times": "add"}, rows)
    except BaseException:
        with _lock:
            _counts.update(counts)
        raise
    for _, reason, times in rows:
        logger.warning("Popups: %d × %s.", times, Reason(reason).label)
