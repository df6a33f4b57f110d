"""Databases in which a write could not be remembered while Redis cannot be told of it."""

from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.db import connections, router

from .. import registry
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


def _written(model: Any) -> set[str]:
    return {router.db_for_write(model), *(alias for alias in connections if router.allow_migrate_model(alias, model))}
