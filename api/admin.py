"""Bases of the admin classes for tables that may have millions of rows."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, ClassVar

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Max, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_protect

from api.audited_admin import AuditedAdmin
from api.ids import is_id

COUNTED = 10_000  # rows that a page counts before it says "more than"
SEARCHED = 100_000  # newest rows that a search for words reads


class MoreThan(int):
    """A number of rows beyond which none was counted; as a text "more than 10,000"."""

    def __str__(self) -> str:
        return f"more than {int(self):,}"


def bounded_count(rows: QuerySet, most: int = COUNTED) -> int:
    """Return the number of rows; MoreThan(most) if there are more, of which no further one is read."""
    counted = rows.order_by()[: most + 1].count()
    return MoreThan(most) if counted > most else counted


class BoundedPaginator(Paginator):
    """A paginator that counts at most COUNTED rows, as counting a large table takes a full scan."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return bounded_count(rows)


def any_of(columns: Iterable[str], value: Any) -> Q:
    """Return the condition that at least one of the columns has the value."""
    return Q(*((column, value) for column in columns), _connector=Q.OR)


class NewestFirstAdmin(AuditedAdmin):
    """Lists rows newest first, without a count, a sort or a search of the whole table."""

    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_filter: ClassVar[Any] = ()
    list_per_page = 50
    sortable_by: ClassVar[Any] = ()
    ordering: ClassVar[Any] = ("-pk",)
    search_fields = ("pk",)  # makes Django show the search box; search() decides what is found
    id_columns: tuple[str, ...] = ("pk",)
    text_column = ""
    related: tuple[str, ...] = ()
    """Foreign keys whose rows the list shows. They are read by a query each, because MariaDB may begin a join with the
    other table, and sort all rows."""

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).prefetch_related(*self.related)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        text = search_term.replace("\0", "").strip()
        return (self.search(queryset, text) if text else queryset), False

    def search(self, queryset: QuerySet, text: str) -> QuerySet:
        """Return the rows that match a search term: an id in one of `id_columns`, or else words."""
        if is_id(text):
            return queryset.filter(any_of(self.id_columns, int(text)))
        return self.search_words(queryset, text)

    def search_words(self, queryset: QuerySet, text: str) -> QuerySet:
        """Return those of the newest SEARCHED rows whose `text_column` contains the text."""
        newest = self.model._default_manager.aggregate(pk=Max("pk"))["pk"] or 0
        return queryset.filter(pk__gt=newest - SEARCHED, **{f"{self.text_column}__icontains": text})


class ChunkedDeletionAdmin(NewestFirstAdmin):
    """Deletes rows that millions of others may refer to: without a list of them, and not in one transaction."""

    deletes_in_one_transaction = False

    def delete_rows(self, pks: list[int]) -> None:
        """Delete rows by primary key, in short transactions."""
        raise NotImplementedError

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[list[str], dict[str, int], set[str], list]:
        names = [str(row) for row in objs]
        refused = {str(row) for row in objs if not self.has_delete_permission(request, row)}
        counts = {title: bounded_count(rows) for title, rows in self.going_along([row.pk for row in objs]).items()}
        return names, {str(self.opts.verbose_name_plural): len(names), **counts}, refused, []

    def going_along(self, pks: list[int]) -> Mapping[str, QuerySet]:
        """Return what is deleted with rows, by what the page of the deletion calls it. Its rows are counted only."""
        return {}

    @method_decorator(csrf_protect)
    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Answer Django's deletion page outside the transaction that Django would open."""
        return self._delete_view(request, object_id, extra_context)  # type: ignore[attr-defined]

    def log_deletions(self, request: HttpRequest, queryset: Any) -> list[Any]:
        """Write no entries yet: Django calls this before the deletion, which may fail."""
        return []

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self._delete(request, [obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet) -> None:
        self._delete(request, list(queryset))

    def _delete(self, request: HttpRequest, rows: Any) -> None:
        self.delete_rows([row.pk for row in rows])
        super().log_deletions(request, rows)


class MarkedRowsAdmin(ChunkedDeletionAdmin):
    """Rows that are marked as removed before they are deleted; see jobs.deletion."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save only edited columns of an existing row, which may have been removed since the form was loaded."""
        if not change:
            obj.save()
        elif edited := {name: form.cleaned_data[name] for name in form.changed_data}:
            self.get_queryset(request).filter(pk=obj.pk).update(**edited)
