"""Models of other packages that CACHING["MODELS"] names: they get what CachedModel and CachedManager give.

The class gets CachedModel as a base, and its managers classes that derive from their own and from CachedManager. Both
happen as soon as the class is defined, before anybody else sees it. Migrations see no difference.
"""

import copy
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from ..options import Cached
from . import signals
from .managers import CachedManager
from .models import CachedModel
from .querysets import CachedQuerySet


def cache_model(model: Any, options: Mapping[str, Any]) -> None:
    """Make a class that Django has just prepared a cached model; raises ImproperlyConfigured for what cannot be one."""
    label = model._meta.label
    if model._meta.proxy:
        raise _refused(label, f"is a proxy: name {model._meta.concrete_model._meta.label}, whose rows it shows")
    if issubclass(model, CachedModel):
        raise _refused(label, "is a CachedModel already: declare `cached` in its class, or take out one of the two")
    model.cached = _declared(label, options)
    try:
        model.__bases__ = (CachedModel, *model.__bases__)
    except TypeError as error:
        raise _refused(label, f"cannot be derived from CachedModel: {error}") from error
    cache_managers(model)
    signals.prepare(sender=model)


def cache_managers(model: Any) -> None:
    """Have the managers of a model, its own and inherited ones, invalidate what they write, in their order."""
    managers = [copy.copy(manager) for manager in model._meta.managers]
    model._meta.local_managers = []
    for manager in managers:
        given: Any = type(manager)
        manager.__class__ = _manager_class(given)
        manager._set_creation_counter()
        model.add_to_class(manager.name, manager)


def _declared(label: str, options: Mapping[str, Any]) -> Cached:
    known = [field.name for field in fields(Cached)]
    if not isinstance(options, Mapping):
        raise _refused(label, f"needs a dict of options, and not {options!r}")
    if unknown := sorted(options.keys() - set(known)):
        raise _refused(label, f"has no option {unknown[0]!r}: there are {', '.join(known)}")
    return Cached(**options)


def _refused(label: str, why: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f'CACHING["MODELS"]["{label}"]: the model {why}.')


@cache
def _manager_class(given: Any) -> Any:
    """Return a class of managers that does what `given` does, and has the verbs."""
    if issubclass(given, CachedManager) or issubclass(CachedManager, given):
        return given if issubclass(given, CachedManager) else CachedManager

    class Derived(given, CachedManager):  # type: ignore[misc, type-arg]
        # Only a manager that filters has a method of its own: for the others every cached row is an answer.
        if given.get_queryset is not CachedManager.get_queryset:

            def get_queryset(self) -> Any:
                rows: Any = super().get_queryset()
                own: Any = type(rows)
                rows.__class__ = _holding(own)
                return rows
        else:
            _queryset_class = _holding(given._queryset_class)

        # To migrations it is what it was.

        def deconstruct(self) -> Any:
            original = copy.copy(self)
            original.__class__ = given
            return original.deconstruct()

        def __eq__(self, other: object) -> bool:
            return isinstance(other, given) and self._constructor_args == getattr(other, "_constructor_args", None)

        def __hash__(self) -> int:
            return id(self)

    Derived.__name__ = Derived.__qualname__ = f"Cached{given.__name__}"
    return Derived


@cache
def _holding(given: Any) -> Any:
    """Return a class of QuerySets that does what `given` does, and whose writes hold what they touch."""
    if issubclass(given, CachedQuerySet) or issubclass(CachedQuerySet, given):
        return given if issubclass(given, CachedQuerySet) else CachedQuerySet

    class Derived(given, CachedQuerySet):  # type: ignore[misc]
        def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...], Any]:
            return _new_queryset, (given,), self.__getstate__()

    Derived.__name__ = Derived.__qualname__ = f"Cached{given.__name__}"
    return Derived


def _new_queryset(given: Any) -> Any:
    """Return an empty QuerySet, for pickle."""
    return _holding(given)()
