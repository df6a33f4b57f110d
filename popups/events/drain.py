"""Moving events from the streams into the tables: inserted in batches, each once, acknowledged after the commit.

An event that comes again (its drain died between commit and acknowledgement, or a client sent it twice) is recognized
by its claim and type.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from operator import attrgetter

from django.db import DatabaseError, IntegrityError, OperationalError, router, transaction

from caching.api import Unavailable
from counters.api import insert_rows, upsert
from popups import lost_events
from popups.events import stream
from popups.events.stream import StreamEvent
from popups.keys import Layout, Shard
from popups.models import Day, Event, Popup, Quota, UserPopup
from users.models import User

ATTEMPTS = 3
_EVENT_COLUMNS = ("stream_id", "type", "user_id", "popup_id", "claim", "at")  # the fields of a StreamEvent, in order
COUNTED: dict[str, str] = {Event.Type.SHOWN: "shown", Event.Type.CLICK: "clicked", Event.Type.DISMISS: "dismissed"}
# MySQL assigns from left to right: the claim is compared with the time that is still there.
_PAIR_MERGES = {
    "shown": "add", "clicked": "add", "dismissed": "add", "last_claim": "with:last_shown_at", "last_shown_at": "latest",
    "last_clicked_at": "latest", "last_dismissed_at": "latest",
}  # fmt: skip
_DAY_MERGES = {"shown": "add", "clicked": "add", "dismissed": "add"}


def drain(consumer: str, shard: Shard, *, min_idle_ms: int = stream.MIN_IDLE_MS) -> int:
    """Write one batch of a shard's events to the tables and return its size. Any number of processes may do so at once.

    Raises Unavailable and DatabaseError; the next call then takes the same events again.
    """
    taken = stream.take(consumer, shard, min_idle_ms=min_idle_ms)
    if taken.ids:
        _write_with_retries(taken.events, shard)
        if malformed := len(taken.ids) - len(taken.events):
            lost_events.count(lost_events.Reason.MALFORMED, malformed)
        stream.acknowledge(taken)
    lost_events.save()
    return len(taken.ids)


def drain_all(consumer: str, layout: Layout) -> bool:
    """Write one batch of each shard, also where that of another fails; return whether more is likely to wait.

    Raises Unavailable and DatabaseError after the last shard. Each process has an order of its own.
    """
    waits, failure = False, None
    for shard in random.Random(consumer).sample(layout.shards, len(layout.shards)):
        try:
            waits |= drain(consumer, shard) == stream.BATCH_SIZE
        except (Unavailable, DatabaseError) as error:
            failure = error
    if failure is not None and not waits:
        raise failure
    return waits


def _write_with_retries(events: Sequence[StreamEvent], shard: Shard) -> None:
    """Write events; retry if some are written already, another drain holds a lock, or a user is being deleted.

    Hardly any event comes twice, so at first nothing is asked: the table's constraints refuse those that do.
    """
    for attempt in range(ATTEMPTS + 1):
        try:
            gone = write(events, shard, are_new=attempt == 0)
        except (IntegrityError, OperationalError):
            if attempt == ATTEMPTS:
                raise
        else:
            if gone:
                lost_events.count(lost_events.Reason.GONE, gone)
            return


def write(events: Sequence[StreamEvent], shard: Shard | None = None, *, are_new: bool = False) -> int:
    """Write events in one transaction; return how many were left out because their user or popup was deleted.

    `shard`: where they come from; demo data come from none. `are_new`: raise IntegrityError, without asking first, if
    an event is in the table; else it is left out.
    """
    using = router.db_for_write(Event)
    with transaction.atomic(using=using):
        of_popups, writable = _with_popup_and_user(using, events)
        new = list(_unique(writable).values()) if are_new else _without_recorded(using, writable)
        insert_rows(using, Event, _EVENT_COLUMNS, [event[: len(_EVENT_COLUMNS)] for event in new])
        by_pair = sorted(new, key=attrgetter("user_id", "popup_id"))
        upsert(using, UserPopup, ("user_id", "popup_id"), _PAIR_MERGES, [_pair_row(event) for event in by_pair])
        _add_to_days(using, new, of_popups)
        if shard is not None and not shard.is_only:
            _add_to_quotas(using, new, shard)
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
    unique = _unique(events)
    rows = Event.objects.using(using)
    recorded = set(rows.filter(claim__in={claim for claim, _ in unique}).values_list("claim", "type"))
    new = [event for key, event in unique.items() if key not in recorded]
    # A Redis that lost its data, and whose clock was set back, may give an id twice, to different events.
    used = set(rows.filter(stream_id__in=[event.stream_id for event in new]).values_list("stream_id", flat=True))
    return [
        event._replace(stream_id=f"{event.stream_id}/{event.claim}") if event.stream_id in used else event
        for event in new
    ]


def _unique(events: Iterable[StreamEvent]) -> dict[tuple[str, str], StreamEvent]:
    return {(event.claim, event.type): event for event in events}


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


def _add_to_quotas(using: str, new: Iterable[StreamEvent], shard: Shard) -> None:
    """Count the new showings of a shard, so that what is left of a cap can be told without its stream."""
    shown = Counter(event.popup_id for event in new if event.type == Event.Type.SHOWN)
    rows = [(popup_id, shard.layout, shard.number, shown[popup_id]) for popup_id in sorted(shown)]
    upsert(using, Quota, ("popup_id", "layout", "shard"), {"shown": "add"}, rows)
