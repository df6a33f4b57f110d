"""Multi-table inheritance: which models have rows in common, and the primary key that each of them gives such a row."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from .cacheable import all_rows

CHUNK = 1_000
"""Primary keys in one query."""


class Path(NamedTuple):
    """How a model and a relative reach a table that both have: by the parent links of each."""

    up: tuple[Any, ...]
    down: tuple[Any, ...]

    def shared(self, instance: Any) -> Any:
        """Return the shared row's primary key as an instance of the model has it, or None."""
        pk = getattr(instance, self.up[-1].attname) if self.up else instance.pk
        return None if hasattr(pk, "resolve_expression") else pk  # the database chooses it


class Relative:
    """A model that shares rows with another one, or is that model itself."""

    def __init__(self, model: Any, relative: Any, paths: list[Path]) -> None:
        self.model = relative
        self._of, self._paths = model, paths
        self.is_same = paths == [Path((), ())]
        """Whether it is the model itself, with the same primary keys."""

    def is_part_of(self, instance: Any) -> bool:
        """Return whether instances of the model have all columns of this relative: it is a parent, or the model."""
        return isinstance(instance, self.model)

    def pks(self, pks: list[Any], using: str) -> list[Any]:
        """Return the relative's primary keys of stored rows; makes SQL only where a parent link is not the key."""
        if all(_is_key(path.up) and _is_key(path.down) for path in self._paths):
            return pks
        chunks = [pks[at : at + CHUNK] for at in range(0, len(pks), CHUNK)]
        found = {
            pk
            for path in self._paths
            for chunk in chunks
            for pk in self._down(path, self._up(path, chunk, using), using)
        }
        return list(found - {None})

    def pks_of_instance(self, instance: Any, using: str) -> list[Any]:
        """Return the relative's primary keys by what an instance says: it need not be stored, or stored so."""
        shared = [(path, path.shared(instance)) for path in self._paths]
        return list({pk for path, pk in shared if pk is not None for pk in self._down(path, [pk], using)})

    def _up(self, path: Path, pks: list[Any], using: str) -> list[Any]:
        return pks if _is_key(path.up) else _follow(self._of, path.up, using, pk__in=pks)

    def _down(self, path: Path, shared: list[Any], using: str) -> list[Any]:
        if _is_key(path.down):
            return shared
        name = "__".join(link.name for link in path.down)
        return list(all_rows(self.model, using).filter(**{f"{name}__in": shared}).values_list("pk", flat=True))


def relative(model: Any, other: Any) -> Relative | None:
    """Return how a model's rows are rows of another one, None if they are not; of proxies, the concrete models."""
    model, other = model._meta.concrete_model, other._meta.concrete_model
    mine, its = _ancestors(model), _ancestors(other)
    common = [table for table in mine if table in its]
    nearest = [table for table in common if not any(each is not table and issubclass(each, table) for each in common)]
    paths = [Path(mine[table], its[table]) for table in nearest]
    return Relative(model, other, paths) if paths else None


def classes(model: Any) -> set[Any]:
    """Return all classes whose instances are rows of a model's tables: parents, children, siblings, proxies."""
    tables = _ancestors(model._meta.concrete_model)
    return {each for table in tables for each in _subclasses(table)}


def _ancestors(model: Any) -> dict[Any, tuple[Any, ...]]:
    """Return {table's model: the parent links that lead to it}, of a model itself and all its parents."""
    found = {model: ()}
    for parent, link in model._meta.parents.items():
        for ancestor, links in _ancestors(parent._meta.concrete_model).items():
            found.setdefault(ancestor, (link, *links))
    return found


def _subclasses(model: Any) -> Iterator[Any]:
    yield model
    for child in model.__subclasses__():
        yield from _subclasses(child)


def _is_key(links: tuple[Any, ...]) -> bool:
    return all(link.primary_key for link in links)


def _follow(model: Any, links: tuple[Any, ...], using: str, **rows: Any) -> list[Any]:
    name = "__".join(link.name for link in links)
    return list(all_rows(model, using).filter(**rows).values_list(name, flat=True))
