"""Actions of the admin on the counters of the selected rows, for the admin classes of rooms that declare counters."""

from collections.abc import Iterable
from itertools import chain
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from api.audited_admin import Change
from api.cache_admin import CacheEntriesAdmin
from caching.api import Entry
from counters import blocks, reconcile

MOST_RECONCILED = 200


class CountedAdmin(CacheEntriesAdmin):
    """Compares the counters of the selected rows with the rows that they count, and mends those that drifted."""

    counter_kind: str
    actions = ("reconcile", *CacheEntriesAdmin.actions)

    def cache_entries(self, row: Any) -> Iterable[Entry]:
        return chain(super().cache_entries(row), [blocks.entry_of_target(self.counter_kind, row.pk)])

    @admin.action(description="Reconcile the counters with the rows", permissions=["reconcile"])
    def reconcile(self, request: HttpRequest, queryset: QuerySet[Any]) -> Change:
        """Mend the counters of the selected rows, with a message for each that had drifted."""
        rows = self.selected(queryset, MOST_RECONCILED)
        drifts = [drift for row in rows for drift in reconcile.run_one(self.counter_kind, row.pk).drifts]
        for drift in drifts:
            self.message_user(request, f"Mended: {drift}")
        mended = {drift.target_id for drift in drifts}
        message = f"{len(rows)} compared, {len(drifts)} counters mended."
        return Change([row for row in rows if row.pk in mended], "Counters reconciled.", message)

    def has_reconcile_permission(self, request: HttpRequest) -> bool:
        """Return whether counters may be mended: by those who may change them."""
        return request.user.has_perm("counters.change_counter")
