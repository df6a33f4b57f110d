"""Demo popups with what was made of them; running it again adds those that are missing."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice

from django.utils import timezone

from popups import demo
from popups.events import drain
from popups.events.stream import StreamEvent
from popups.models import Event, Popup

BATCH = 500


def seed(user_ids: Sequence[int]) -> dict[str, int]:
    """For users.seeding. Returns how many of what were added."""
    today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    there = set(Popup.objects.filter(title__in=[each["title"] for each in demo.POPUPS]).values_list("title", flat=True))
    began = today - timedelta(days=demo.DAYS.stop)
    made = {
        number: Popup.objects.create(**columns, starts_at=began)
        for number, columns in enumerate(demo.POPUPS)
        if columns["title"] not in there
    }
    showings = iter([each for each in demo.showings(len(user_ids)) if each.popup in made])
    added = 0
    while batch := list(islice(showings, BATCH)):
        events = [
            event
            for each in batch
            for event in _events(
                each, made[each.popup].pk, user_ids[each.person], today - timedelta(days=each.days_ago)
            )
        ]
        drain.write(events)
        added += len(events)
    return {"popups": len(made), "popup events": added}


def _events(showing: demo.Showing, popup_id: int, user_id: int, day: datetime) -> list[StreamEvent]:
    at = day + timedelta(seconds=showing.second)
    claim = f"{popup_id:08x}{user_id:016x}"[-24:]
    kinds = [Event.Type.SHOWN.value, *([showing.outcome] if showing.outcome else [])]
    return [StreamEvent(f"demo-{claim}-{kind}", kind, user_id, popup_id, claim, at, True) for kind in kinds]
