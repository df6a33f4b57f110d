"""Items for the staff, each with its histogram."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join

from api.ids import is_id
from api.paginators import BoundedPaginator
from counters.reads import counts_of
from counters.registry import counters_of
from ratings.counts import KIND, SCORES, bar
from ratings.models import Item

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
class ItemAdmin(admin.ModelAdmin):
    """The average and the histogram are of the same counts as the API's; a page of them is one round trip to Redis."""

    paginator = BoundedPaginator
    show_full_result_count = False
    list_display = ("id", "title", "average", "count", "histogram", "created_at")
    list_per_page = 50
    sortable_by = ()
    ordering = ("-pk",)
    fields = ("title", "description", "average", "count", "histogram", "created_at")
    readonly_fields = ("average", "count", "histogram", "created_at")
    search_fields = ("title",)
    search_help_text = "An id, or the beginning of a title."

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[ChangeList]:
        return _CountedList

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        text = search_term.strip()
        if not text:
            return queryset, False
        if is_id(text):
            return queryset.filter(pk=int(text)), False
        return queryset.filter(title__istartswith=text), False

    @admin.display
    def average(self, item: Item) -> str:
        counts = _counts(item)
        return f"{counts['sum'] / counts['count']:.2f}" if counts["count"] else "–"

    @admin.display
    def count(self, item: Item) -> int:
        return _counts(item)["count"]

    @admin.display
    def histogram(self, item: Item) -> Any:
        counts = [_counts(item)[bar(score)] for score in SCORES]
        most = max(counts) or 1
        bars = format_html_join(
            "",
            BAR,
            ((score, count, 1 + count * BAR_PX // most) for score, count in zip(SCORES, counts, strict=True)),
        )
        return format_html('<span style="white-space:nowrap">{}</span>', bars)


def _counts(item: Any) -> dict[str, int]:
    """Kept on the instance, which lives as long as the page."""
    if not hasattr(item, "counts"):
        item.counts = counts_of(KIND, [item.pk])[item.pk] if item.pk else dict.fromkeys(counters_of(KIND), 0)
    return item.counts
