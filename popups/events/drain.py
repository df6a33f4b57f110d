"""Moving events from the stream into the tables: inserted in batches, each once, acknowledged after the commit.

An event that comes again (its drain died between commit and acknowledgement, or a client sent it twice) is recognized
by its claim and type.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from operator import attrgetter

from django.db import IntegrityError, OperationalError, router, transaction

from counters.api import upsert
from popups import lost_events
from popups.events import stream
from popups.events.stream import StreamEvent
from popups.models import Day, Event, Popup, UserPopup
from users.models import User

ATTEMPTS = 3
COUNTED: dict[str, str] = {Event.Type.SHOWN: "shown", Event.Type.CLICK: "clicked", Event.Type.DISMISS: "dismissed"}
# MySQL assigns from left to right: the claim is compared with the time that is still there.
_PAIR_MERGES = {
    "shown": "add", "clicked": "add", "dismissed": "add", "last_claim": "with:last_shown_at", "last_shown_at": "latest",
    "last_clicked_at": "latest", "last_dismissed_at": "latest",
}  # fmt: skip
_DAY_MERGES = {"shown": "add", "clicked": "add", "dismissed": "add"}


def drain(consumer: str, *, min_idle_ms: int = stream.MIN_IDLE_MS) -> int:
    """Write one batch of events to the tables and return its size. Any number of processes may do so at once.

    Raises Unavailable and DatabaseError; the next call then takes the same events again.
    """
    taken = stream.take(consumer, min_idle_ms=min_idle_ms)
    if taken.ids:
        _write_with_retries(taken.events)
        if malformed := len(taken.ids) - len(taken.events):
            lost_events.count(lost_events.Reason.MALFORMED, malformed)
        stream.acknowledge(taken)
    lost_events.save()
    return len(taken.ids)


def _write_with_retries(events: Sequence[StreamEvent]) -> None:
    """Write events; retry if another drain writes the same events, holds a lock, or a user is being deleted."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            gone = write(events)
        except (IntegrityError, OperationalError):
            if attempt == ATTEMPTS:
                raise
        else:
            if gone:
                lost_events.count(lost_events.Reason.GONE, gone)
            return


def write(events: Sequence[StreamEvent]) -> int:
    """Write events in one transaction; return how many were left out because their user or popup was deleted."""
    using = router.db_for_write(Event)
    with transaction.atomic(using=using):
        of_popups, writable = _with_popup_and_user(using, events)
        new = _without_recorded(using, writable)
        Event.objects.using(using).bulk_create(
            Event(
                type=event.type, popup_id=event.popup_id, user_id=event.user_id, claim=event.claim,
                stream_id=event.stream_id, at=event.at,
            )
            for event in new
        )  # fmt: skip
        by_pair = sorted(new, key=attrgetter("user_id", "popup_id"))
        upsert(using, UserPopup, ("user_id", "popup_id"), _PAIR_MERGES, [_pair_row(event) for event in by_pair])
        _add_to_days(using, new, of_popups)
    return len(events) - len(writable)


def _with_popup_and_user(using: str, events: Sequence[StreamEvent]) -> tuple[list[StreamEvent], list[StreamEvent]]:
    """Return the events whose popup exists, and those of them whose user exists too."""
    users = User.objects.using(using).filter(pk__in={event.user_id for event in events})
    popups = Popup.objects.using(using).filter(pk__in={event.popup_id for event in events})
    user_ids, popup_ids = (set(rows.values_list("pk", flat=True)) for rows in (users, popups))
    of_popups = [event for event in events if event.popup_id in popup_ids]
    return of_popups, [event for event in of_popups if event.user_id in user_ids]


def _without_recorded(using: str, events: Iterable[StreamEvent]) -> list[StreamEvent]:
    """Return one event per claim and type, without those that are in the table."""
    unique = {(event.claim, event.type): event for event in events}
    rows = Event.objects.using(using)
    recorded = set(rows.filter(claim__in={claim for claim, _ in unique}).values_list("claim", "type"))
    new = [event for key, event in unique.items() if key not in recorded]
    # A Redis that lost its data, and whose clock was set back, may give an id twice, to different events.
    used = set(rows.filter(stream_id__in=[event.stream_id for event in new]).values_list("stream_id", flat=True))
    return [
        event._replace(stream_id=f"{event.stream_id}/{event.claim}") if event.stream_id in used else event
        for event in new
    ]


def _pair_row(event: StreamEvent) -> tuple[object, ...]:
    """Return the ids of an event's user and popup, and its values for the columns of _PAIR_MERGES."""
    shown, clicked, dismissed = (int(event.type == kind) for kind in COUNTED)
    at = event.at if event.is_last else None
    return (
        event.user_id, event.popup_id, shown, clicked, dismissed, event.claim if shown else "",
        event.at if shown else None, at if clicked else None, at if dismissed else None,
    )  # fmt: skip


def _add_to_days(using: str, new: Iterable[StreamEvent], of_popups: Iterable[StreamEvent]) -> None:
    """Count new events by popup and day.

    Events of deleted users leave a row without counts, which protects the popup: it was shown.
    """
    counts: dict[tuple[int, date], Counter[str]] = defaultdict(Counter)
    counts.update({(event.popup_id, event.at.date()): Counter() for event in of_popups})
    for event in new:
        counts[event.popup_id, event.at.date()][COUNTED[event.type]] += 1
    rows = [(*key, *(counts[key][name] for name in _DAY_MERGES)) for key in sorted(counts)]
    upsert(using, Day, ("popup_id", "day"), _DAY_MERGES, rows)
