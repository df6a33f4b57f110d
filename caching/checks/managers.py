"""Managers and parents of cached models whose writes the cache would not hear of."""

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, register

from .. import family, registry
from ..orm.querysets import HoldingQuerySet


@register
def check_managers(**_: Any) -> list[CheckMessage]:
    """Report classes whose managers do not invalidate what they write, or whose base manager leaves rows out."""
    return [message for model, derived in _heard() for message in _faults(model, derived)]


def _heard() -> Iterator[tuple[Any, Any]]:
    """Yield each class that writes rows of a declared model, proxies and parents too, and that declared model."""
    seen = set()
    for derived in dict.fromkeys((*registry.models(), *registry.by_model())):
        for model in family.classes(derived):
            if model not in seen and model._meta.apps is derived._meta.apps:
                seen.add(model)
                yield model, derived


def _faults(model: Any, derived: Any) -> Iterator[CheckMessage]:
    deaf = [each.name for each in _managers(model) if not isinstance(each.get_queryset(), HoldingQuerySet)]
    if deaf and not issubclass(model, derived):
        yield Error(
            f"{derived._meta.label} is cached and has columns of {model._meta.label}, whose writes nobody hears.",
            hint=f"Derive {model._meta.label} from caching.api.CachedModel too, or make it abstract.",
            obj=model,
            id="caching.E031",
        )
    elif deaf:
        yield Error(
            f"The manager {deaf[0]!r} of a cached model does not invalidate what it writes.",
            hint="Derive it from caching.api.CachedManager, and the model from CachedModel (or EdgeModel).",
            obj=model,
            id="caching.E001",
        )
    if _leaves_rows_out(model._base_manager):
        yield Error(
            f"The base manager {model._base_manager.name!r} leaves rows out, so that Django itself cannot save them.",
            hint="Take base_manager_name out of Meta: a cached model has an unfiltered base manager of its own.",
            obj=model,
            id="caching.E030",
        )


def _managers(model: Any) -> list[Any]:
    return sorted({*model._meta.managers, model._base_manager}, key=lambda each: each.creation_counter)


def _leaves_rows_out(manager: Any) -> bool:
    query = manager.get_queryset().query
    return bool(query.where) or query.is_sliced or bool(query.distinct_fields)
