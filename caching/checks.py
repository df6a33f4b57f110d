"""System checks: what would make a cached model stale without anybody noticing."""

from typing import Any

from django.core.checks import CheckMessage, Error, register

from caching import registry
from caching.orm.querysets import CachedQuerySet


@register
def check_managers(**_: Any) -> list[CheckMessage]:
    """Every manager of a cached model must invalidate what it writes, the base manager what cascades do."""
    return [
        Error(
            f"The manager {manager.name!r} of a cached model does not invalidate what it writes.",
            hint="Derive it from caching.api.CachedManager, and the model's Meta from CachedModel.Meta.",
            obj=model,
            id="caching.E001",
        )
        for model in registry.models()
        for manager in {*model._meta.managers, model._meta.base_manager}
        if not isinstance(manager.get_queryset(), CachedQuerySet)
    ]
