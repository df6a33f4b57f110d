"""Databases in which a write could not be remembered while Redis cannot be told of it, and nodes of Galera whose reads
may wait for longer than leases live."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from django.core import checks
from django.core.checks import CheckMessage, Error, register
from django.db import DatabaseError, connections, router

from .. import registry
from ..conf import conf
from ..connections.galera import is_galera, longest_wait_ms
from ..models import PendingInvalidation


@register
def check_databases(**_: Any) -> list[CheckMessage]:
    """Report databases that have rows of cached models, but where the router does not allow the framework's table."""
    return [
        Error(
            f"Rows of a cached model are written to the database {alias!r}, where the router does not allow the table "
            f"{PendingInvalidation._meta.db_table}: while Redis is away, these writes would fail.",
            hint=f"Let allow_migrate() of the router admit the app 'caching', and migrate it to {alias!r}.",
            obj=model,
            id="caching.E050",
        )
        for model in registry.by_model()
        for alias in sorted(_written(model))
        if not router.allow_migrate_model(alias, PendingInvalidation)
    ]


@register(checks.Tags.database)
def check_galera(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Report nodes of Galera on which a reader's lease would end before its read does."""
    found: list[CheckMessage] = []
    for alias in databases or ():
        with suppress(DatabaseError):
            if is_galera(connections[alias]) and (waits_ms := longest_wait_ms(connections[alias])) >= conf().lease_ms:
                found.append(_too_patient(alias, waits_ms))
    return found


def _too_patient(alias: str, waits_ms: int) -> CheckMessage:
    return checks.Warning(
        f"Reads of the database {alias!r}, a node of Galera, wait for other nodes for up to {waits_ms} ms, and a lease "
        f"lives for {conf().lease_ms} ms: while the node lags, entries are loaded again and again, and clients wait.",
        hint="Set repl.causal_read_timeout in wsrep_provider_options, for example to PT2S, on every node.",
        id="caching.W100",
    )


def _written(model: Any) -> set[str]:
    return {router.db_for_write(model), *(alias for alias in connections if router.allow_migrate_model(alias, model))}
