"""What became of popups, by day."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

from django.db.models import Sum
from django.utils import timezone

from popups.models import Day, Popup, Unrecorded


class Count(NamedTuple):
    """Of one day, or of several together."""

    shown: int = 0
    clicked: int = 0
    dismissed: int = 0

    @property
    def click_rate(self) -> str:
        return f"{100 * self.clicked / self.shown:.1f} %" if self.shown else "–"


def by_day(popup_id: int, days: int) -> dict[date, Count]:
    """Of the last days up to today (UTC), those without anything included; one SQL query."""
    all_days = _last(days)
    rows = Day.objects.filter(popup_id=popup_id, day__gte=all_days[0])
    found = {row.day: Count(row.shown, row.clicked, row.dismissed) for row in rows}
    return {day: found.get(day, Count()) for day in all_days}


def together(counts: Sequence[Count]) -> Count:
    return Count(*map(sum, zip(*counts, strict=True))) if counts else Count()


def totals_of(popups: Sequence[Popup], days: int | None = None) -> dict[int, Count]:
    """Of all days, or of the last ones; one SQL query for any number of popups."""
    rows = Day.objects.filter(popup_id__in=[popup.pk for popup in popups])
    if days is not None:
        rows = rows.filter(day__gte=_last(days)[0])
    sums = rows.order_by().values("popup_id").annotate(*(Sum(name) for name in Count._fields))
    found = {each["popup_id"]: Count(*(int(each[f"{name}__sum"]) for name in Count._fields)) for each in sums}
    return {popup.pk: found.get(popup.pk, Count()) for popup in popups}


def unrecorded(days: int) -> list[tuple[str, int]]:
    """(what, how often) of the last days."""
    rows = Unrecorded.objects.filter(day__gte=_last(days)[0]).order_by().values("reason").annotate(times=Sum("times"))
    return sorted((Unrecorded.Reason(row["reason"]).label, int(row["times"])) for row in rows)


def _last(days: int) -> list[date]:
    today = timezone.now().date()
    return [today - timedelta(days=back) for back in reversed(range(days))]
