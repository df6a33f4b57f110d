"""Managers of cached models whose writes the cache would not hear of."""

from typing import Any

from django.core.checks import CheckMessage, Error, register

from .. import registry
from ..orm.querysets import CachedQuerySet


@register
def check_managers(**_: Any) -> list[CheckMessage]:
    """Report managers of cached models that do not invalidate what they write; cascades write by the base manager."""
    return [
        Error(
            f"The manager {manager.name!r} of a cached model does not invalidate what it writes.",
            hint="Derive it from caching.api.CachedManager, and the model's Meta from CachedModel.Meta.",
            obj=model,
            id="caching.E001",
        )
        for model in registry.models()
        for manager in _managers_of(model)
        if not isinstance(manager.get_queryset(), CachedQuerySet)
    ]


def _managers_of(model: Any) -> set[Any]:
    return {*model._meta.managers, model._base_manager}
