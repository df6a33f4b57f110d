"""Declarations that name what is no column, what has no one form in keys, or what the cache would answer wrongly."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, router

from .. import registry
from ..columns import cached_fields, fault_of, never_cached
from ..databases import address_of, primary_of
from ..entries.derived import Derived
from ..faults import Fault, faults_of


@register
def check_cached_models(**_: Any) -> list[CheckMessage]:
    """Report faults in what cached models declare."""
    return [message for model in registry.all_models() for message in _errors(model, faults_of(model))]


@register
def check_derived(**_: Any) -> list[CheckMessage]:
    """Report faults in declared id sets, id lists and edge values, on each database that their rows may be in."""
    return [
        message
        for declarations in registry.by_model().values()
        for each in declarations
        if isinstance(each, Derived)
        for message in _errors(f"{type(each).__name__} of {each.label}", _faults_everywhere(each))
    ]


@register
def check_columns(**_: Any) -> list[CheckMessage]:
    """Report columns that are not cached although no declaration says so."""
    return [message for model in registry.models() if not faults_of(model) for message in _uncached(model)]


@register
def check_databases(**_: Any) -> list[CheckMessage]:
    """Report databases of one NAME at different addresses: they may be one, which the cache could not know."""
    return [
        CheckWarning(
            f"The databases {first!r} and {alias!r} have the same NAME at different addresses. The cache takes them "
            "for two: it does not invalidate for the one what is written to the other.",
            hint=f'If they are one (a replica, a pool), set TEST={{"MIRROR": {first!r}}} on {alias!r}.',
            id="caching.W011",
        )
        for first, alias in _namesakes()
    ]


def _errors(obj: Any, faults: Iterable[Fault]) -> Iterator[CheckMessage]:
    for fault in faults:
        yield Error(fault.text, hint=fault.hint, obj=obj, id=fault.id)


def _faults_everywhere(declared: Derived) -> list[Fault]:
    found = {
        fault: None
        for alias in connections
        if router.allow_migrate_model(alias, declared.model)
        for fault in declared.faults(alias)
    }
    return list(found)


def _uncached(model: Any) -> Iterator[CheckMessage]:
    cached, never = set(cached_fields(model)), never_cached(model)
    for field in model._meta.concrete_fields:
        if field not in cached and field.attname not in never:
            reason = fault_of(field) or "the database computes it from columns that are not cached"
            yield CheckWarning(
                f"The column {field.name!r} is read from the database each time: {reason}.",
                hint=f"Name it in Cached(never=({field.name!r},)) to say that this is meant.",
                obj=model,
                id="caching.W010",
            )


def _namesakes() -> Iterator[tuple[str, str]]:
    first: dict[tuple[str, str], str] = {}
    for alias in connections:
        if primary_of(alias) != alias:
            continue
        try:
            address = address_of(alias)
        except ImproperlyConfigured:  # an alias that is not configured: Django tells
            continue
        other = first.setdefault((address.name, address.schema), alias)
        if address_of(other) != address:
            yield other, alias
