"""The admin of counters: they can be viewed and reconciled, but not edited, because they are derived from rows."""

from collections.abc import Collection, Iterable
from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest

from api.admin import BoundedPaginator
from api.audited_admin import ActionRefused, Change
from api.cache_admin import CacheEntriesAdmin
from api.ids import is_id
from caching.api import Entry
from counters import blocks, reconcile, registry
from counters.models import Counter, Delta

MAX_SELECTED = 200


class KindFilter(admin.SimpleListFilter):
    """Filters by a declared kind: to find the kinds that have rows would scan the whole table."""

    title = parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(each, each) for each in self.declared()]

    def declared(self) -> Collection[str]:
        """Return the values to choose from."""
        return registry.kinds()

    def queryset(self, request: HttpRequest, queryset: QuerySet[Counter]) -> QuerySet[Counter]:
        return queryset.filter(**{str(self.parameter_name): self.value()}) if self.value() else queryset


class NameFilter(KindFilter):
    """Filters by the name of a declared counter."""

    title = parameter_name = "name"

    def declared(self) -> Collection[str]:
        return sorted({name for kind in registry.kinds() for name in registry.counters_of(kind)})


@admin.register(Counter)
class CounterAdmin(CacheEntriesAdmin):
    """A list with the same cost for any number of counters: it counts, sorts and compares by the index only."""

    paginator = BoundedPaginator
    list_display = ("__str__", "shown", "rolled_up", "pending")
    list_filter = (KindFilter, NameFilter)
    list_per_page = 50
    search_fields = ("target_id",)  # displays the search box; get_search_results uses the index
    search_help_text = "The id of a target."
    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False
    sortable_by = ()
    actions = ("reconcile", *CacheEntriesAdmin.actions)

    def cache_entries(self, row: Counter) -> list[Entry]:
        """Return the entry of the counter's target; none for a kind that is declared no longer."""
        return [blocks.entry_of_target(row.kind, row.target_id)] if row.kind in registry.kinds() else []

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
    def reconcile(self, request: HttpRequest, queryset: QuerySet[Counter]) -> Change:
        """Mend all counters of the selected targets, with a message and an entry in the log for each drift."""
        targets = sorted(queryset.order_by().values_list("kind", "target_id").distinct()[: MAX_SELECTED + 1])
        if len(targets) > MAX_SELECTED:
            raise ActionRefused(f"Select at most {MAX_SELECTED} targets, or run manage.py reconcile_counters.")
        if unknown := {kind for kind, _ in targets}.difference(registry.kinds()):
            raise ActionRefused(f"Counters of the kind {min(unknown)} are declared no longer; nothing was changed.")
        drifts = [drift for target in targets for drift in reconcile.run_one(*target).drifts]
        for drift in drifts:
            self.message_user(request, f"Mended: {drift}")
        message = f"{len(targets)} targets compared, {len(drifts)} counters mended."
        return Change(_counters(drifts), "Reconciled.", message)

    def has_reconcile_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("counters.change_counter")

    has_cache_permission = has_reconcile_permission

    def has_add_permission(self, request: HttpRequest, obj: Counter | None = None) -> bool:
        return False

    has_change_permission = has_delete_permission = has_add_permission


def _counters(drifts: Iterable[reconcile.Drift]) -> list[Counter]:
    """Return the counters that drifted, for the log.

    A counter that no roll-up has written yet has no row, and so no id.
    """
    keys = [{"kind": drift.kind, "target_id": drift.target_id, "name": drift.name} for drift in drifts]
    return [Counter.objects.filter(**key).first() or Counter(**key) for key in keys]
