"""Items for the staff, each with its histogram; what is done here shows in the API at once."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.contrib.admin.widgets import AdminTextareaWidget
from django.db.models import Max, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.utils.html import format_html, format_html_join
from django.views.decorators.csrf import csrf_protect

from api.ids import is_id
from api.paginators import BoundedPaginator
from counters.api import counts_of
from ratings import removal
from ratings.counts import HISTOGRAM, KIND, SCORES
from ratings.models import Item

SEARCHED = 100_000  # newest items whose titles are looked through
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
    show_facets = admin.ShowFacets.NEVER
    list_display = ("id", "title", "average", "count", "histogram", "created_at")
    list_display_links = ("id", "title")
    list_per_page = 50
    sortable_by = ()
    ordering = ("-pk",)
    written = ("title", "description")
    readonly_fields = ("average", "count", "histogram", "created_at")
    fields = (*written, *readonly_fields)
    search_fields = ("title",)  # shows the box; get_search_results uses indexes
    search_help_text = f"An id, or words of a title among the newest {SEARCHED:,}."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Item]:
        return super().get_queryset(request).filter(removed_at=None)

    def get_fields(self, request: HttpRequest, obj: Item | None = None) -> tuple[str, ...]:
        return self.fields if obj else self.written

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[ChangeList]:
        return _CountedList

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        text = search_term.strip()
        if not text:
            return queryset, False
        if is_id(text):
            return queryset.filter(pk=int(text)), False
        newest = Item.objects.aggregate(pk=Max("pk"))["pk"] or 0
        return queryset.filter(pk__gt=newest - SEARCHED, title__icontains=text), False

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        if db_field.name == "description":
            options["widget"] = AdminTextareaWidget
        return super().formfield_for_dbfield(db_field, request, **options)

    def save_model(self, request: HttpRequest, obj: Item, form: Any, change: bool) -> None:
        """Of an item that was there, what was edited alone: it may have been removed since the page was read."""
        if not change:
            obj.save()
        elif edited := {name: form.cleaned_data[name] for name in form.changed_data}:
            self.get_queryset(request).filter(pk=obj.pk).update(**edited)

    # Deleting takes the scores along, which may be millions of rows: they are not listed for approval.

    def get_deleted_objects(self, objs: Iterable[Item], request: HttpRequest) -> tuple[list, dict, set, list]:
        items = [str(item) for item in objs]
        refused = set() if self.has_delete_permission(request) else {"item"}
        return items, {"items, with all their scores": len(items)}, refused, []

    @method_decorator(csrf_protect)
    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Django's own, but not in one transaction."""
        return self._delete_view(request, object_id, extra_context)

    def delete_model(self, request: HttpRequest, obj: Item) -> None:
        removal.remove([obj.pk])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Item]) -> None:
        removal.remove(list(queryset.values_list("pk", flat=True)))

    @admin.display
    def average(self, item: Item) -> str:
        counts = _counts(item)
        return f"{counts['sum'] / counts['count']:.2f}" if counts["count"] else "–"

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
    """Kept on the instance, which lives as long as the page."""
    if not hasattr(item, "counts"):
        item.counts = counts_of(KIND, [item.pk])[item.pk]
    return item.counts
