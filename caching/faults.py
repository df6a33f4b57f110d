"""What is wrong with the declaration of a cached model: told by the system checks, and refused at the first use."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.db import models

from .cacheable import Cacheable
from .columns import cached_fields, can_be_deferred, fault_of, final_field, never_cached, type_of
from .key_columns import fault_of_key


class Fault(NamedTuple):
    """An error in a declaration: the id of the check, what is wrong, and what to do."""

    id: str
    text: str
    hint: str


def require(model: type[Cacheable]) -> None:
    """Raise ImproperlyConfigured if a model's declaration has a fault, so that nothing of it reaches Redis."""
    refuse(model._meta.label, faults_of(model))


def refuse(label: str, faults: Iterable[Fault]) -> None:
    """Raise ImproperlyConfigured for the first of some faults, if there is any."""
    for fault in faults:
        raise ImproperlyConfigured(f"{label}: {fault.text} {fault.hint} ({fault.id})")


def faults_of(model: type[Cacheable]) -> list[Fault]:
    """Return all faults of a model's `Cached(…)` and primary key."""
    if has_composite_key(model):
        text = "The primary key has several columns; entries are found by one."
        return [Fault("caching.E013", text, "Give the cached model a primary key of one column.")]
    faults = [*_proxy_faults(model), *_name_faults(model)]
    return faults or [
        *_key_faults(model), *_column_faults(model), *_lookup_faults(model), *_since_faults(model),
        *_live_faults(model), *_remembered_faults(model),
    ]  # fmt: skip


def field_of(model: Any, name: str) -> Any:
    """Return the field of a column by its name or attribute name; None if there is none."""
    try:
        field: Any = model._meta.get_field(name)
    except FieldDoesNotExist:
        return None
    return field if getattr(field, "concrete", False) and getattr(field, "column", None) else None


def has_composite_key(model: Any) -> bool:
    """Return whether a model's primary key has several columns."""
    return len(getattr(model._meta, "pk_fields", ())) > 1


def is_unique(model: Any, names: Iterable[str], *, at_once: bool = False) -> bool:
    """Return whether no two rows share their values of these columns; `at_once`: not even inside a transaction."""
    fields = [field_of(model, name) for name in names]
    if any(field.unique for field in fields):
        return True
    wanted = {field.attname for field in fields}
    return any(
        unique and {field_of(model, name).attname for name in unique} <= wanted
        for each in {field.model for field in fields}
        for unique in _unique_together(each, at_once=at_once)
    )


def _unique_together(model: Any, *, at_once: bool) -> Iterator[tuple[str, ...]]:
    yield from model._meta.unique_together
    for each in model._meta.total_unique_constraints:
        if not (at_once and each.deferrable):
            yield each.fields


def _proxy_faults(model: Any) -> Iterator[Fault]:
    concrete = model._meta.concrete_model
    if model is not concrete and getattr(concrete, "cached", None) != model.cached:
        yield Fault(
            "caching.E020",
            f"The proxy's `cached` is another than that of {concrete._meta.label}, whose rows and entries it shares.",
            f"Declare `cached` on {concrete._meta.label} alone, or `cached = {concrete.__name__}.cached` on the proxy.",
        )


def _name_faults(model: Any) -> Iterator[Fault]:
    options = model.cached
    named = {"never": options.never, "lookups": options.lookups, "since": [options.since] if options.since else ()}
    named["live"] = [options.live] if options.live else ()
    columns = ", ".join(field.attname for field in model._meta.concrete_fields)
    for option, names in named.items():
        for name in names:
            if field_of(model, name) is None:
                text = f"Cached({option}=…) names {name!r}, which is no column of the model."
                yield Fault("caching.E010", text, f"The columns are {columns}.")


def _key_faults(model: Any) -> Iterator[Fault]:
    pk = model._meta.pk
    if pk.attname in never_cached(model):
        yield Fault("caching.E010", "Cached(never=…) names the primary key.", "Every entry carries it: take it out.")
    elif fault := fault_of_key(pk) or fault_of(pk):
        yield Fault("caching.E012", f"The primary key {pk.name!r} cannot stand in keys: {fault}.", _KINDS)


def _column_faults(model: Any) -> Iterator[Fault]:
    for field in set(model._meta.concrete_fields) - set(cached_fields(model)):
        if not can_be_deferred(field, model):
            text = f"The column {field.name!r} is not cached, and its descriptor cannot read it later."
            yield Fault("caching.E021", text, "Derive the descriptor from Django's DeferredAttribute.")


def _lookup_faults(model: Any) -> Iterator[Fault]:
    cached = {field.attname for field in cached_fields(model)}
    for name in model.cached.lookups:
        field = field_of(model, name)
        if not is_unique(model, [name]):
            text = f"Cached(lookups=…) names {name!r}, which is not unique: which of several rows would it be?"
            yield Fault("caching.E011", text, "Give the column unique=True, or take it out.")
        elif fault := fault_of_key(field) or computed(field):
            yield Fault("caching.E012", f"The lookup {name!r} cannot stand in keys: {fault}.", _KINDS)
        elif field.attname not in cached:
            text = f"The lookup {name!r} is a column that is never cached."
            yield Fault("caching.E010", text, "Take it out of lookups, or out of never.")


def _since_faults(model: Any) -> Iterator[Fault]:
    since = model.cached.since
    if since and not isinstance(final_field(field_of(model, since)), models.DateField):  # a DateTimeField is one
        text = f"Cached(since=…) names {since!r}, which is no date or time."
        yield Fault("caching.E014", text, "Name a DateTimeField or DateField.")


def _live_faults(model: Any) -> Iterator[Fault]:
    live = model.cached.live
    if live and not any(field.name == live and type_of(field) is bool for field in cached_fields(model)):
        text = f"Cached(live=…) names {live!r}, which is no cached column of booleans."
        yield Fault("caching.E014", text, "Name a BooleanField that is not among never.")


def _remembered_faults(model: Any) -> Iterator[Fault]:
    for field in cached_fields(model) if model.cached.remembered else ():
        if type_of(field) is object:
            text = f"Rows cannot be remembered: a change of the JSON in {field.name!r} would be seen by all readers."
            yield Fault("caching.E023", text, "Take out Cached(remembered=…), or name the column in never.")


def computed(field: Any) -> str | None:
    """Return why a writer cannot know which value of a column it writes; None if it can."""
    return "the database computes the column, so a writer does not know the value" if field.generated else None


_KINDS = "Keys are made of integers, texts, UUIDs, decimals, dates and times by Django's own fields."
