"""Counters for the staff: to be looked at and reconciled, never edited, because rows are what they follow from."""

from collections.abc import Collection
from typing import Any

from django.contrib import admin, messages
from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest

from api.admin import BoundedPaginator
from api.ids import is_id
from counters import reconcile, registry
from counters.models import Counter, Delta

MOST_CHOSEN = 200


class KindFilter(admin.SimpleListFilter):
    """By what is declared: which kinds there are rows of takes a scan of all."""

    title = parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(each, each) for each in self.declared()]

    def declared(self) -> Collection[str]:
        return registry.kinds()

    def queryset(self, request: HttpRequest, queryset: QuerySet[Counter]) -> QuerySet[Counter]:
        return queryset.filter(**{str(self.parameter_name): self.value()}) if self.value() else queryset


class NameFilter(KindFilter):
    title = parameter_name = "name"

    def declared(self) -> Collection[str]:
        return sorted({name for kind in registry.kinds() for name in registry.counters_of(kind)})


@admin.register(Counter)
class CounterAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A list that costs the same however many counters there are: it counts, sorts and compares by the index only."""

    paginator = BoundedPaginator
    list_display = ("__str__", "shown", "rolled_up", "pending")
    list_filter = (KindFilter, NameFilter)
    list_per_page = 50
    search_fields = ("target_id",)  # shows the box; get_search_results uses the index
    search_help_text = "The id of a target."
    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False
    sortable_by = ()
    actions = ("reconcile",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Counter]:
        log = Delta.objects.filter(kind=OuterRef("kind"), target_id=OuterRef("target_id"), name=OuterRef("name"))
        pending = log.order_by().values("kind").annotate(total=Sum("amount")).values("total")
        rows: QuerySet[Counter] = super().get_queryset(request)
        return rows.annotate(pending=Coalesce(Subquery(pending), 0))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Counter], search_term: str
    ) -> tuple[QuerySet[Counter], bool]:
        text = search_term.strip()
        if text:
            ids = [int(text)] if is_id(text) else []
            queryset = queryset.filter(kind__in=registry.kinds(), target_id__in=ids)
        return queryset, False

    @admin.display
    def shown(self, counter: Any) -> Any:
        return max(0, counter.value + counter.pending)

    @admin.display
    def rolled_up(self, counter: Counter) -> int:
        return counter.value

    @admin.display
    def pending(self, counter: Any) -> str:
        return f"{counter.pending:+}" if counter.pending else ""

    @admin.action(description="Reconcile with the rows", permissions=["reconcile"])
    def reconcile(self, request: HttpRequest, queryset: QuerySet[Counter]) -> None:
        """Mends all counters of the chosen targets; each drift is answered by a message."""
        targets = sorted(queryset.order_by().values_list("kind", "target_id").distinct()[: MOST_CHOSEN + 1])
        if len(targets) > MOST_CHOSEN:
            text = f"Select at most {MOST_CHOSEN} targets, or run manage.py reconcile_counters."
            self.message_user(request, text, messages.WARNING)
            return
        drifts = [drift for target in targets for drift in reconcile.run_one(*target).drifts]
        for drift in drifts:
            self.message_user(request, f"Mended: {drift}")
        self.message_user(request, f"{len(targets)} targets compared, {len(drifts)} counters mended.")

    def has_reconcile_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("counters.change_counter")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Counter | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Counter | None = None) -> bool:
        return False
