"""Seeding of demo popups with events; running it again adds the missing ones."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice

from django.utils import timezone

from popups import demo
from popups.delivery.claims import earliest_claim
from popups.events import drain
from popups.events.stream import StreamEvent
from popups.models import Event, Popup

BATCH = 500


def seed(user_ids: Sequence[int]) -> dict[str, int]:
    """Add the demo popups and their events; return {what: number added}. Registered with users.seeding."""
    today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    titles = [columns["title"] for columns in demo.POPUPS]
    existing = set(Popup.objects.filter(title__in=titles).values_list("title", flat=True))
    starts_at = today - timedelta(days=demo.DAYS.stop)
    made = {
        number: Popup.objects.create(**columns, starts_at=starts_at)
        for number, columns in enumerate(demo.POPUPS)
        if columns["title"] not in existing
    }
    showings = (showing for showing in demo.showings(len(user_ids)) if showing.popup in made)
    events = (event for each in showings for event in _events(each, made[each.popup].pk, user_ids[each.user], today))
    added = 0
    while batch := list(islice(events, BATCH)):
        drain.write(batch)
        added += len(batch)
    return {"popups": len(made), "popup events": added}


def _events(showing: demo.Showing, popup_id: int, user_id: int, today: datetime) -> Iterator[StreamEvent]:
    at = today - timedelta(days=showing.days_ago) + timedelta(seconds=showing.second)
    claim = earliest_claim(at)[:12] + f"{popup_id % 2**16:04x}{user_id % 2**32:08x}"
    for kind in filter(None, (Event.Type.SHOWN.value, showing.outcome)):
        yield StreamEvent(f"demo-{claim}-{kind}", kind, user_id, popup_id, claim, at, True)
