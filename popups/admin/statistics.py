"""Statistics of popups: events by day, totals, lost events."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from django.db.models import Sum
from django.utils import timezone

from api.rounding import rounded_ratio
from popups.models import Day, Popup, Unrecorded


class EventCounts(NamedTuple):
    """The numbers of events of one day, or of several days together."""

    shown: int = 0
    clicked: int = 0
    dismissed: int = 0

    @property
    def click_rate(self) -> str:
        """Return clicks per showing, such as "12.5 %"; "–" without showings."""
        return f"{rounded_ratio(100 * self.clicked, self.shown, places=1):.1f} %" if self.shown else "–"


def by_day(popup_id: int, days: int) -> dict[date, EventCounts]:
    """Return the counts of each of the last days up to today (UTC); one SQL query."""
    all_days = _last(days)
    rows = Day.objects.filter(popup_id=popup_id, day__gte=all_days[0])
    found = {row.day: EventCounts(row.shown, row.clicked, row.dismissed) for row in rows}
    return {day: found.get(day, EventCounts()) for day in all_days}


def total(counts: Iterable[EventCounts]) -> EventCounts:
    """Return the sum of counts."""
    return EventCounts(*map(sum, zip(EventCounts(), *counts, strict=True)))


def totals_of(popups: Sequence[Popup], days: int | None = None) -> dict[int, EventCounts]:
    """Return {popup id: counts} of all days, or of the last ones; one SQL query for any number of popups."""
    rows = Day.objects.filter(popup_id__in=[popup.pk for popup in popups])
    if days is not None:
        rows = rows.filter(day__gte=_last(days)[0])
    sums = rows.order_by().values_list("popup_id").annotate(*(Sum(name) for name in EventCounts._fields))
    found = {popup_id: EventCounts(*map(int, counts)) for popup_id, *counts in sums}
    return {popup.pk: found.get(popup.pk, EventCounts()) for popup in popups}


def lost_events(days: int) -> list[tuple[str, int]]:
    """Return (reason, times) of the events that could not be recorded in the last days."""
    rows = Unrecorded.objects.filter(day__gte=_last(days)[0]).order_by().values("reason").annotate(times=Sum("times"))
    return sorted((Unrecorded.Reason(row["reason"]).label, int(row["times"])) for row in rows)


def _last(days: int) -> list[date]:
    today = timezone.now().date()
    return [today - timedelta(days=back) for back in reversed(range(days))]
