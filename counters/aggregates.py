"""The aggregates of counters: the number of rows that point at a target, or the sum of a column of these rows."""

from typing import Any, cast

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Case, Count, IntegerField, Model, Q, Sum, Value, When
from django.db.models.expressions import Combinable


class CountOf:
    """The number of rows of `model` that point at a target by their column `owner` and meet the condition `where`."""

    column: str | None = None

    def __init__(self, model: type[Model], owner: str, *, where: Q | None = None) -> None:
        self.model = model
        self.owner: str = _attname(model, owner)
        self.where = where

    def total(self) -> Combinable:
        """Return the aggregate over all rows of one target."""
        return Count("*")

    def contribution_of(self, instance: Model) -> int | None:
        """Return the amount that a new row adds to the counter; None if only the database can tell."""
        admitted = True if self.where is None else _holds(self.where, instance)
        if not admitted:
            return None if admitted is None else 0
        value = 1 if self.column is None else _plain(instance, self.column)
        return None if value is _UNKNOWN else int(value or 0)

    def contribution(self) -> Case:
        """Return the expression of the amount that a row of the database adds to the counter."""
        then = self.column or Value(1)
        return Case(When(self.where or Q(pk__isnull=False), then=then), default=0, output_field=IntegerField())

    def columns(self) -> set[str]:
        """Return the columns that a row's contribution depends on, without those of the condition."""
        return {self.owner} | ({self.column} if self.column else set())


class SumOf(CountOf):
    """The sum of an integer column over the rows of `model` that point at a target; null counts 0."""

    def __init__(self, model: type[Model], owner: str, column: str, *, where: Q | None = None) -> None:
        super().__init__(model, owner, where=where)
        self.column = _attname(model, column)

    def total(self) -> Combinable:
        """Return the aggregate over all rows of one target."""
        return Sum(str(self.column), default=0)


_UNKNOWN = object()


def _holds(condition: Q, instance: Model) -> bool | None:
    """Return whether a condition holds for an instance; None unless it compares columns with plain values."""
    if condition.connector != Q.AND or not all(isinstance(child, tuple) for child in condition.children):
        return None
    equal = True
    for name, wanted in cast("list[tuple[str, Any]]", condition.children):
        value = _plain(instance, name)
        if value is _UNKNOWN or value is None or wanted is None or hasattr(wanted, "resolve_expression"):
            return None
        equal = equal and value == wanted
    return equal != condition.negated


def _plain(instance: Model, name: str) -> Any:
    """Return a column's value as it will be stored; _UNKNOWN for an expression, a lookup and a name of no column."""
    try:
        field: Any = instance._meta.get_field(name)
    except FieldDoesNotExist:
        return _UNKNOWN
    value = getattr(instance, field.attname)
    return _UNKNOWN if hasattr(value, "resolve_expression") else field.to_python(value)


def _attname(model: type[Model], column: str) -> str:
    field: Any = model._meta.get_field(column)
    return str(field.attname)
