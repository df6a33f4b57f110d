"""What a counter counts: the rows that point at a target, or the sum of one of their columns."""

from typing import Any, cast

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Count, Model, Q, Sum
from django.db.models.expressions import Combinable


class CountOf:
    """How many rows of `model` point at a target by their column `owner`; only those that `where` admits."""

    column: str | None = None

    def __init__(self, model: type[Model], owner: str, *, where: Q | None = None) -> None:
        self.model = model
        self.owner: str = _attname(model, owner)
        self.where = where

    def total(self) -> Combinable:
        """The aggregate over all rows of one target."""
        return Count("*")

    def contribution_of(self, instance: Model) -> int | None:
        """What a new row adds; None if only the database can tell."""
        admitted = True if self.where is None else _holds(self.where, instance)
        if admitted is None:
            return None
        return self._weight_of(instance) if admitted else 0

    def _weight_of(self, instance: Model) -> int | None:
        return 1

    def columns(self) -> set[str]:
        """The columns of an edge row that its part in the counter depends on, apart from those in the condition."""
        return {self.owner} | ({self.column} if self.column else set())


class SumOf(CountOf):
    """The sum of an integer column over the rows of `model` that point at a target; null counts 0."""

    def __init__(self, model: type[Model], owner: str, column: str, *, where: Q | None = None) -> None:
        super().__init__(model, owner, where=where)
        self.column = _attname(model, column)

    def _weight_of(self, instance: Model) -> int | None:
        value = _plain(instance, str(self.column))
        return None if value is _UNKNOWN else int(value or 0)

    def total(self) -> Combinable:
        return Sum(str(self.column), default=0)


_UNKNOWN = object()


def _holds(condition: Q, instance: Model) -> bool | None:
    """Whether a condition that compares columns with plain values holds for an instance; None for any other."""
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
    """A column's value as the database will have it, or _UNKNOWN: an expression, a lookup, no column at all."""
    try:
        field: Any = instance._meta.get_field(name)
    except FieldDoesNotExist:
        return _UNKNOWN
    value = getattr(instance, field.attname)
    return _UNKNOWN if hasattr(value, "resolve_expression") else field.to_python(value)


def _attname(model: type[Model], column: str) -> str:
    field: Any = model._meta.get_field(column)
    return str(field.attname)
