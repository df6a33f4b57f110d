"""Which models are cached, and what is derived from the rows of which model."""

from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import Any

from django.db import router

from .cacheable import Cacheable
from .family import Relative, relative


class Declaration:
    """Entries that follow from the rows of a model, and which of them a write touches."""

    keeps = False
    """Whether a hold keeps what is loaded, for the lift to change (id sets)."""

    @property
    def remembers_absence(self) -> bool:
        """Whether an entry may say of a primary key that there is no such row."""
        return False

    def concerns(self, columns: Collection[str] | None) -> bool:
        """Return whether writing these columns (None: all) changes what any entry says."""
        raise NotImplementedError

    def columns(self) -> tuple[str, ...]:
        """Return the columns of a row that tell which entries it belongs to, besides its primary key."""
        return ()

    def keys_of_pks(self, pks: Collection[Any], using: str) -> Iterable[str]:
        """Return the keys that primary keys alone lead to in database `using`."""
        return ()

    def keys_of(self, instance: Any, using: str, columns: Collection[str] | None = None) -> Iterable[str]:
        """Return the keys that an instance's own values lead to in database `using`; `columns`: what is written (None:
        all). The instance may be of another model that shares rows with this one, and lack columns."""
        raise NotImplementedError

    def stored_keys(self, pks: list[Any], using: str) -> Iterable[str]:
        """Lock rows, and return the keys that their values in the database lead to."""
        return ()

    def keys_after_update(self, pks: list[Any], using: str, columns: Collection[str]) -> Iterable[str]:
        """Return the keys that rows lead to once an UPDATE of `columns` has been made."""
        return self.stored_keys(pks, using)

    def key_prefixes(self, using: str) -> Iterable[str]:
        """Return what the keys of all its entries from a database begin with, and no other's."""
        raise NotImplementedError

    def note_inserted(self, using: str, instances: list[Any]) -> None:
        """Tell the transaction of inserted rows, which have their primary keys by now."""

    def note_changed(self, using: str, instance: Any) -> None:
        """Tell the transaction of a row that was saved in place; called after the SQL."""

    def note_deleted(self, using: str, instance: Any) -> None:
        """Tell the transaction of a deleted row; called after the SQL."""


_models: list[type[Cacheable]] = []
_declarations: dict[Any, list[Declaration]] = {}


def register(model: type[Cacheable]) -> bool:
    """Add a cached model; return whether it is a new one."""
    if model in _models:
        return False
    _models.append(model)
    return True


def declare(model: Any, declaration: Declaration) -> None:
    """Add something that is derived from the rows of `model`; the rows themselves need not be cached."""
    _declarations.setdefault(model._meta.concrete_model, []).append(declaration)
    heard.cache_clear()


def declarations_of(model: Any) -> list[Declaration]:
    """Return what is derived from the rows of a model's own table, in the order of declaration."""
    return _declarations.get(model._meta.concrete_model, [])


def by_model() -> Mapping[Any, list[Declaration]]:
    """Return what is derived from the rows of each concrete model, in the order of declaration."""
    return _declarations


def all_models() -> list[type[Cacheable]]:
    """Return the cached models in the order of declaration, proxies among them."""
    return list(_models)


def models() -> list[type[Cacheable]]:
    """Return the concrete cached models in the order of declaration; proxies share the entries of their model."""
    return [model for model in _models if not model._meta.proxy]


@cache
def heard(model: Any) -> tuple[tuple[Relative, Declaration], ...]:
    """Return what is derived from the rows that a write of a model touches: its own, its parents', its children's."""
    return tuple(
        (found, declaration)
        for other, declarations in _declarations.items()
        if (found := relative(model, other))
        for declaration in declarations
    )


def write_aliases() -> set[str]:
    """Return the databases that cached models are written to; keys that could not be held are recorded there."""
    return {router.db_for_write(model) for model in (*_models, *_declarations)}
