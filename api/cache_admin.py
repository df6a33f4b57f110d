"""Actions of the admin on the cache entries of the selected rows."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from redis import RedisError

from api.audited_admin import AuditedAdmin, Change
from caching.api import Entry, entries_of

MOST_SHOWN = 20  # rows whose entries are shown at once


class CacheEntriesAdmin(AuditedAdmin):
    """Shows in words, and drops, what Redis has of the selected rows: their entries, id sets, id lists, counters."""

    actions: tuple[str, ...] = ("show_cache_entry", "drop_cache_entry")

    def cache_entries(self, row: Any) -> Iterable[Entry]:
        """Return the entries that belong to a row."""
        return entries_of(self.model, row.pk)

    @admin.action(description="Show cache entries", permissions=["view"])
    def show_cache_entry(self, request: HttpRequest, queryset: QuerySet) -> None:
        for _ in self._described(request, queryset, dropped=False):
            pass

    @admin.action(description="Drop cache entries", permissions=["cache"])
    def drop_cache_entry(self, request: HttpRequest, queryset: QuerySet) -> Change:
        rows = list(self._described(request, queryset, dropped=True))
        return Change(rows, "Cache entries dropped.", f"The cache entries of {len(rows)} rows were dropped.")

    def has_cache_permission(self, request: HttpRequest) -> bool:
        """Return whether cache entries may be dropped: by those who may change the rows."""
        return self.has_change_permission(request)

    def _described(self, request: HttpRequest, queryset: QuerySet, *, dropped: bool) -> Iterator[Model]:
        """Show the entries of at most MOST_SHOWN selected rows as messages, and yield each row."""
        try:
            for row in self.selected(queryset, MOST_SHOWN):
                for entry in self.cache_entries(row):
                    if dropped:
                        entry.drop()
                    self.message_user(request, f"Cache entry {entry.describe()}")
                yield row
        except (RedisError, OSError) as error:
            self.message_user(request, f"Redis cannot be asked: {error}", messages.ERROR)
