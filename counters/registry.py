"""What is counted: sets of counters by the kind of thing they belong to ("user", "post")."""

import re
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.models import Count, Model, Q, Sum
from django.db.models.expressions import Combinable

_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)


class UnknownKind(Exception):
    """Nobody declared a counter set of this kind."""


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

    def columns(self) -> set[str]:
        """The columns of an edge row that its part in the counter depends on, apart from those in the condition."""
        return {self.owner} | ({self.column} if self.column else set())


class SumOf(CountOf):
    """The sum of an integer column over the rows of `model` that point at a target; null counts 0."""

    def __init__(self, model: type[Model], owner: str, column: str, *, where: Q | None = None) -> None:
        super().__init__(model, owner, where=where)
        self.column = _attname(model, column)

    def total(self) -> Combinable:
        return Sum(str(self.column), default=0)


class CounterSet:
    """Declares counters of a kind; declarations of one kind in several rooms add up.

    To be made while Django starts, in `AppConfig.ready()`. Raises ImproperlyConfigured for a name that is taken.
    """

    def __init__(self, kind: str, **counters: CountOf) -> None:
        from . import signals

        for name in (kind, *counters):
            if not _NAME.fullmatch(name):
                raise ImproperlyConfigured(f"{name!r} names no counter: use a-z, digits and _, at most 32.")
        declared = _sets.setdefault(kind, {})
        for name, counter in counters.items():
            if name in declared:
                raise ImproperlyConfigured(f"The counter {kind}.{name} is declared twice.")
            declared[name] = counter
            signals.watch(counter.model)


_sets: dict[str, dict[str, CountOf]] = {}


def kinds() -> list[str]:
    return sorted(_sets)


def counters_of(kind: str) -> dict[str, CountOf]:
    """{name: declaration} in the order of declaration; raises UnknownKind."""
    try:
        return _sets[kind]
    except KeyError:
        raise UnknownKind(kind) from None


def fed_by(model: type[Model]) -> list[tuple[str, str, CountOf]]:
    """(kind, name, declaration) of every counter that rows of this model take part in."""
    return [
        (kind, name, counter)
        for kind, counters in _sets.items()
        for name, counter in counters.items()
        if counter.model is model
    ]


def _attname(model: type[Model], column: str) -> str:
    field: Any = model._meta.get_field(column)
    return str(field.attname)
