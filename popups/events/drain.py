"""From the stream into the tables: inserted in batches, each event once, acknowledged after the commit.

An event that comes again (its drain died between commit and acknowledgement, or a client sent it twice) is known by its
claim and type.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime

from django.db import IntegrityError, OperationalError, connections, router, transaction

from counters.api import upsert
from popups import lost_events
from popups.events import stream
from popups.events.stream import StreamEvent
from popups.models import Day, Event, Popup, UserPopup
from users.models import User

ATTEMPTS = 3
COUNTED = {Event.Type.SHOWN: "shown", Event.Type.CLICK: "clicked", Event.Type.DISMISS: "dismissed"}
_PAIR = ("user_id", "popup_id")
# MySQL assigns from left to right: the claim goes with the time that is still there.
_PAIR_MERGES = {
    "shown": "add", "clicked": "add", "dismissed": "add", "last_claim": "with:last_shown_at", "last_shown_at": "latest",
    "last_clicked_at": "latest", "last_dismissed_at": "latest",
}  # fmt: skip
_DAY_MERGES = {"shown": "add", "clicked": "add", "dismissed": "add"}


def drain(consumer: str, *, silence_ms: int = stream.SILENCE_MS) -> int:
    """Write a batch; returns how many events were taken. Safe in any number of processes at once.

    Raises Unavailable and DatabaseError; what was taken and not written is taken again by the next call.
    """
    taken = stream.take(consumer, silence_ms=silence_ms)
    if taken.ids:
        _write_patiently(taken.events)
        unread = len(taken.ids) - len(taken.events)
        if unread:
            lost_events.count(lost_events.Reason.MALFORMED, unread)
        stream.acknowledge(taken)
    lost_events.save()
    return len(taken.ids)


def _write_patiently(events: Sequence[StreamEvent]) -> None:
    """Another drain may be writing the same ones, or be in the way of a lock; and a user may be leaving."""
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
    """One transaction; returns how many events were of users or popups that are gone."""
    using = router.db_for_write(Event)
    with transaction.atomic(using=using):
        present = _of_those_present(using, events)
        fresh = _unknown(using, present)
        Event.objects.using(using).bulk_create(
            Event(
                type=event.type, popup_id=event.popup_id, user_id=event.user_id, claim=event.claim,
                stream_id=event.stream_id, at=event.at,
            )
            for event in fresh
        )  # fmt: skip
        _add_to_pairs(using, fresh)
        _add_to_days(using, fresh)
    return len(events) - len(present)


def _of_those_present(using: str, events: Sequence[StreamEvent]) -> list[StreamEvent]:
    users, popups = ({event[at] for event in events} for at in (2, 3))
    users &= set(User.objects.using(using).filter(pk__in=users).values_list("pk", flat=True))
    popups &= set(Popup.objects.using(using).filter(pk__in=popups).values_list("pk", flat=True))
    return [event for event in events if event.user_id in users and event.popup_id in popups]


def _unknown(using: str, events: Iterable[StreamEvent]) -> list[StreamEvent]:
    """Each claim and type once, but for those that are in the table."""
    fresh = {(event.claim, event.type): event for event in events}
    rows = Event.objects.using(using)
    known = set(rows.filter(claim__in={claim for claim, _ in fresh}).values_list("claim", "type"))
    found = [event for key, event in fresh.items() if key not in known]
    # A Redis that was wiped, and whose clock was set back, gives an id a second time: that is another event.
    taken = set(rows.filter(stream_id__in=[event.stream_id for event in found]).values_list("stream_id", flat=True))
    return [
        event._replace(stream_id=f"{event.stream_id}/{event.claim}") if event.stream_id in taken else event
        for event in found
    ]


def _add_to_pairs(using: str, events: Iterable[StreamEvent]) -> None:
    by_pair: dict[tuple[int, int], list[StreamEvent]] = defaultdict(list)
    for event in events:
        by_pair[event.user_id, event.popup_id].append(event)
    rows = [(*pair, *_pair_columns(by_pair[pair])) for pair in sorted(by_pair)]
    upsert(connections[using], UserPopup, _PAIR, _PAIR_MERGES, rows)


def _pair_columns(events: Sequence[StreamEvent]) -> tuple[object, ...]:
    """As _PAIR_MERGES has them."""
    times = Counter(COUNTED[event.type] for event in events)
    shown = max((event for event in events if event.type == Event.Type.SHOWN), key=lambda event: event.at, default=None)
    return (
        times["shown"], times["clicked"], times["dismissed"],
        shown.claim if shown else "", shown.at if shown else None,
        _latest(events, Event.Type.CLICK), _latest(events, Event.Type.DISMISS),
    )  # fmt: skip


def _latest(events: Iterable[StreamEvent], kind: Event.Type) -> datetime | None:
    return max((event.at for event in events if event.type == kind and event.is_last), default=None)


def _add_to_days(using: str, events: Iterable[StreamEvent]) -> None:
    counts: dict[tuple[int, date], Counter[str]] = defaultdict(Counter)
    for event in events:
        counts[event.popup_id, event.at.date()][COUNTED[event.type]] += 1
    rows = [(*key, *(counts[key][name] for name in _DAY_MERGES)) for key in sorted(counts)]
    upsert(connections[using], Day, ("popup_id", "day"), _DAY_MERGES, rows)
