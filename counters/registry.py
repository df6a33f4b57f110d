"""The declared counters, by the kind of target that they belong to ("user", "post")."""

from functools import cache

from django.core.exceptions import ImproperlyConfigured
from django.db.models import Model

from counters.aggregates import CountOf


class UnknownKind(Exception):
    """No counter of this kind is declared."""


_sets: dict[str, dict[str, CountOf]] = {}


def add(kind: str, name: str, counter: CountOf) -> None:
    """Add a counter to a kind; raises ImproperlyConfigured for a name that is declared already."""
    declared = _sets.setdefault(kind, {})
    if name in declared:
        raise ImproperlyConfigured(f"The counter {kind}.{name} is declared twice.")
    declared[name] = counter
    names_of.cache_clear()
    counters_fed_by.cache_clear()


def kinds() -> list[str]:
    """Return the kinds with declared counters, sorted."""
    return sorted(_sets)


def counters_of(kind: str) -> dict[str, CountOf]:
    """Return {name: declaration} in the order of declaration; raises UnknownKind."""
    try:
        return _sets[kind]
    except KeyError:
        raise UnknownKind(kind) from None


@cache
def names_of(kind: str) -> tuple[str, ...]:
    """Return the names of a kind's counters in the order of declaration; raises UnknownKind."""
    return tuple(counters_of(kind))


@cache
def counters_fed_by(model: type[Model]) -> list[tuple[str, str, CountOf]]:
    """Return (kind, name, declaration) of each counter that rows of a model contribute to."""
    return [
        (kind, name, counter)
        for kind, counters in _sets.items()
        for name, counter in counters.items()
        if counter.model is model
    ]
