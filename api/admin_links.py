"""Links between the rows of the admin, and filters of lists that such links lead to."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html

from api.ids import is_id


def row_link(model: type[Model], pk: Any, text: str) -> Any:
    """Return a link to the page of a row; the text alone if the admin has no page for the model."""
    try:
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[pk])
    except NoReverseMatch:
        return text
    return format_html('<a href="{}">{}</a>', address, text)


def linked(name: str, *, by_id: bool = False) -> Callable[[Any], Any]:
    """Return a column of a list: the row that a foreign key refers to, as a link.

    With `by_id`, the text is its primary key, and it is not read.
    """

    def link(row: Any) -> Any:
        related, pk = row._meta.get_field(name).related_model, getattr(row, f"{name}_id")
        if pk is None:
            return "–"
        return row_link(related, pk, str(pk if by_id else getattr(row, name)))

    link.__name__ = name
    return admin.display(link, description=name.replace("_", " "))


def list_address(model: type[Model], column: str, pk: int) -> str | None:
    """Return the address of the list of the rows that refer to `pk` by a column; None if no list is filtered so."""
    filters = admin.site.get_model_admin(model).list_filter if admin.site.is_registered(model) else ()
    if column not in {getattr(each, "parameter_name", None) for each in filters}:
        return None
    return f"{reverse(f'admin:{model._meta.app_label}_{model._meta.model_name}_changelist')}?{column}={pk}"


class IdFilter(admin.SimpleListFilter):
    """Filters by the id in a column; the sidebar shows it only while an address names an id."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        return [(self.value(), str(self.value()))] if self.value() else []

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        value = self.value()
        if not value:
            return queryset
        if not is_id(value):
            raise IncorrectLookupParameters(f"{value!r} is no id.")
        return queryset.filter(**{f"{self.parameter_name}_id": int(value)})


def by_id(column: str) -> type[IdFilter]:
    """Return the filter by a foreign key, for `list_filter`."""
    title = column.replace("_", " ")
    return type(f"{column.title()}Filter", (IdFilter,), {"parameter_name": column, "title": title})
