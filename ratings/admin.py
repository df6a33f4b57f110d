"""Items in the admin, each with its histogram; edits have immediate effect on the API."""

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.contrib.admin.widgets import AdminTextareaWidget
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join

from api.admin import SEARCHED, MarkedRowsAdmin
from api.rounding import rounded_ratio
from counters.api import counts_of
from counters.http.counted_admin import CountedAdmin
from ratings import removal
from ratings.counts import HISTOGRAM, KIND, SCORES
from ratings.models import Item, Score

BAR_PX = 40
BAR = (
    '<i title="{}: {}" style="display: inline-block; width: 8px; margin-right: 1px; background: #79aec8; '
    'height: {}px"></i>'
)


class _CountedList(ChangeList):
    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        counts = counts_of(KIND, [item.pk for item in self.result_list])
        for item in self.result_list:
            item.counts = counts[item.pk]


@admin.register(Item)
class ItemAdmin(CountedAdmin, MarkedRowsAdmin):
    """Items with the average and the histogram that the API shows; a list page reads Redis once."""

    counter_kind = KIND
    list_display = ("id", "title", "average", "count", "histogram", "created_at")
    list_display_links = ("id", "title")
    writable_fields = ("title", "description")
    readonly_fields = ("average", "count", "histogram", "created_at")
    fields = (*writable_fields, *readonly_fields)
    text_column = "title"
    search_help_text = f"An id, or words of a title among the newest {SEARCHED:,}."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Item]:
        return super().get_queryset(request).filter(removed_at=None)

    def get_fields(self, request: HttpRequest, obj: Item | None = None) -> tuple[str, ...]:
        return self.fields if obj else self.writable_fields

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[ChangeList]:
        return _CountedList

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        if db_field.name == "description":
            options["widget"] = AdminTextareaWidget
        return super().formfield_for_dbfield(db_field, request, **options)

    def delete_rows(self, pks: list[int]) -> None:
        removal.remove(pks)

    def going_along(self, pks: list[int]) -> Mapping[str, QuerySet]:
        return {"scores": Score._default_manager.filter(item_id__in=pks)}

    @admin.display
    def average(self, item: Item) -> str:
        counts = _counts(item)
        return f"{rounded_ratio(counts['sum'], counts['count'], places=2):.2f}" if counts["count"] else "–"

    @admin.display
    def count(self, item: Item) -> int:
        return _counts(item)["count"]

    @admin.display
    def histogram(self, item: Item) -> Any:
        counts = [_counts(item)[name] for name in HISTOGRAM]
        most = max(counts) or 1
        bars = format_html_join(
            "",
            BAR,
            ((score, count, 1 + count * BAR_PX // most) for score, count in zip(SCORES, counts, strict=True)),
        )
        return format_html('<span style="white-space:nowrap">{}</span>', bars)


def _counts(item: Any) -> dict[str, int]:
    """Return an item's counters, remembered on the instance, which lives as long as the request."""
    if not hasattr(item, "counts"):
        item.counts = counts_of(KIND, [item.pk])[item.pk]
    return item.counts
