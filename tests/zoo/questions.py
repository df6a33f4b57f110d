"""Every question that the cache can be asked about the rows of a model, and the database's answer to the same question.

Questions are asked about rows that exist, about those that did once, and about ones that never did.
"""

import dataclasses
import datetime
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models.fields.files import FieldFile

from caching import registry
from caching.api import Batch, EdgeValue, IdList, IdSet, existence_of
from caching.columns import cached_fields
from tests.zoo.truth import newest_of

AHEAD = 1_000_000
"""Keys from here on are chosen by callers, where the database would choose them; see `verbs`."""


@dataclasses.dataclass(frozen=True)
class Question:
    """`ask` asks the cache, `look` the database; `tables` are those that the answer depends on."""

    name: str
    tables: frozenset[str]
    ask: Callable[[], Any]
    look: Callable[[], Any]


# Models that the framework does not serve yet.
WAITING: dict[str, str] = {}


def zoo_models(*, waiting: bool = False) -> list[Any]:
    """Return the cached models of the zoo, and those that something is derived from, in the order of their names.

    Without those whose default manager leaves rows out: see `test_managers`.
    """
    found = {*registry.models(), *(declaration.model for declaration in derived())}
    installed = [model for model in apps.get_models() if model in found]  # not those that tests declare
    whole = [model for model in installed if not model._default_manager.get_queryset().query.where]
    by_name = sorted(whole, key=lambda model: str(model._meta.label))
    return [model for model in by_name if waiting or model.__name__ not in WAITING]


def relatives(model: Any) -> list[Any]:
    """Return the model, those that point to it, those that it points to, its parents and its children."""
    near = {model, *(field.related_model for field in model._meta.get_fields(include_hidden=True))}
    known = zoo_models()
    return [each for each in known if each in near or issubclass(each, model) or issubclass(model, each)]


def is_cached(model: Any) -> bool:
    """Return whether rows of the model are cached, not only what is derived from them."""
    return hasattr(model, "cached")


def lookups_of(model: Any) -> tuple[str, ...]:
    """Return the columns by which the cache finds a row."""
    return tuple(model.cached.lookups) if is_cached(model) else ()


def rows_of(model: Any) -> models.QuerySet[Any]:
    """Return all rows of a model as Django alone reads them, whatever the managers of the model do."""
    return models.QuerySet(model, using="default")


def admitted(model: Any) -> models.QuerySet[Any]:
    """Return the rows that the model's own manager admits, as Django alone reads them."""
    return model.objects.using("default").all()


def exact(value: Any) -> Any:
    """Return a value with its type, so that values that are equal but of other types are told apart."""
    if isinstance(value, dict):
        return "dict", [(key, exact(each)) for key, each in value.items()]
    if isinstance(value, list):
        return "list", [exact(each) for each in value]
    if isinstance(value, FieldFile):
        return "file", value.name
    if isinstance(value, datetime.datetime):
        return "datetime", value.isoformat(), str(value.tzinfo)
    return type(value).__name__, repr(value)


def columns_of(model: Any) -> list[str]:
    """Return the attribute names of the columns that are cached."""
    return [field.attname for field in cached_fields(model)]


def tables_of(model: Any) -> frozenset[str]:
    """Return the tables that a row of the model consists of."""
    return frozenset(field.model._meta.db_table for field in model._meta.concrete_fields)


def shown(instance: Any) -> Any:
    """Return the columns of an instance as they read, with their types; None for no instance."""
    if instance is None:
        return None
    return [(name, exact(getattr(instance, name))) for name in columns_of(type(instance))]


def plain(model: Any, **lookup: Any) -> Any:
    """Return what Django alone reads."""
    return shown(admitted(model).filter(**lookup).first())


def cached(model: Any, *args: Any, **lookup: Any) -> Any:
    """Return what the cache reads, or None where it raises DoesNotExist."""
    try:
        return shown(model.objects.get_one(*args, **lookup))
    except model.DoesNotExist:
        return None


class Seen:
    """What was ever seen of the rows of some models: what to ask of them."""

    def __init__(self, of: Iterable[Any] | None = None, *, most: int = 8) -> None:
        """`of`: cached models; None for all. `most`: keys of a model, and values of a column, that are asked about."""
        self._most = most
        self.models = zoo_models() if of is None else list(of)
        self.rows: dict[Any, dict[Any, None]] = {model: {} for model in self.models}
        self.values: dict[tuple[Any, tuple[str, ...]], dict[Any, None]] = {}

    def look(self) -> None:
        """Take notice of what the database has now."""
        for model in self.models:
            self.look_at(model)

    def look_at(self, model: Any) -> None:
        """Take notice of what the database has of one model."""
        _add(self.rows[model], [*rows_of(model).order_by("pk").values_list("pk", flat=True)], self._most)
        for column in lookups_of(model):
            self._add(model, (column,))
        for declaration in declared_on(model):
            self._add(model, declaration.by)
            if not isinstance(declaration, IdList):
                self._add(model, (member_of(declaration),))

    def look_ahead(self, model: Any) -> None:
        """Take notice of the keys that the database will choose next."""
        if isinstance(model._meta.pk, models.AutoField):
            last = max((key for key in self.rows[model] if key < AHEAD), default=0)
            _add(self.rows[model], range(last + 1, last + 4), self._most)

    def _add(self, model: Any, columns: tuple[str, ...]) -> None:
        found = rows_of(model).order_by("pk").values_list(*columns)
        _add(self.values.setdefault((model, columns), {}), (row for row in found if None not in row), self._most)

    def note(self, model: Any, pk: Any) -> None:
        """Take notice of a key that no row has."""
        self.rows[model][pk] = None

    def forget(self) -> None:
        """Take no more notice of what was seen."""
        self.__init__(self.models, most=self._most)  # type: ignore[misc]

    def questions(self) -> Iterator[Question]:
        """Yield every question about everything seen."""
        for model in self.models:
            yield from self.about(model)

    def only(self, models: Iterable[Any]) -> "Seen":
        """Return what was seen of some of the models; both take notice of the same."""
        part = Seen(models, most=self._most)
        part.rows, part.values = self.rows, self.values
        return part

    def about(self, model: Any) -> list[Question]:
        """Return every question about the rows of one model, and about what is derived from them."""
        questions = [*self.of_rows(model, list(self.rows[model]))] if is_cached(model) else []
        for column in lookups_of(model):
            questions += [lookup(model, column, value) for (value,) in self.values.get((model, (column,)), {})]
        for declaration in declared_on(model):
            questions += self._derived(declaration)
        return questions

    def of_rows(self, model: Any, pks: list[Any]) -> Iterator[Question]:
        """Yield the questions about rows by their keys."""
        if pks:
            yield some(model, pks)
            yield some_columns(model, pks)
            yield existing(model, pks)
            yield from (one(model, pk) for pk in pks[-2:])

    def _derived(self, declaration: Any) -> Iterator[Question]:
        owners = [row[0] for row in self.values.get((declaration.model, declaration.by), {})]
        if isinstance(declaration, IdList):
            yield from (newest(declaration, owner) for owner in owners)
            return
        members = [row[0] for row in self.values.get((declaration.model, (member_of(declaration),)), {})]
        ask = members_of if isinstance(declaration, IdSet) else edge_values
        yield from (ask(declaration, owner, members) for owner in dict.fromkeys(owners) if members)


def _add(known: dict[Any, None], found: Iterable[Any], most: int) -> None:
    """Add what is new, and forget the oldest."""
    known |= dict.fromkeys(each for each in found if each not in known)
    for each in list(known)[:-most]:
        del known[each]


def derived() -> list[Any]:
    """Return the id sets, id lists and edge values that are declared on models of the zoo."""
    found = []
    for declarations in registry._declarations.values():
        found += [each for each in declarations if isinstance(each, IdSet | IdList | EdgeValue)]
    return found


def declared_on(model: Any) -> list[Any]:
    """Return what is derived from the rows of one model."""
    return [declaration for declaration in derived() if declaration.model is model]


def member_of(declaration: Any) -> str:
    """Return the attribute name of the column of members."""
    return str(declaration.by[1] if isinstance(declaration, EdgeValue) else declaration.member)


def one(model: Any, pk: Any) -> Question:
    """Ask for an instance."""
    name = f"{model._meta.label}.get_one({pk!r})"
    return Question(name, tables_of(model), lambda: cached(model, pk), lambda: plain(model, pk=pk))


def lookup(model: Any, column: str, value: Any) -> Question:
    """Ask for an instance by a unique column."""
    name = f"{model._meta.label}.get_one({column}={value!r})"
    key = {column: value}
    return Question(name, tables_of(model), lambda: cached(model, **key), lambda: plain(model, **key))


def some(model: Any, pks: list[Any]) -> Question:
    """Ask for instances, and for which there are none."""

    def ask() -> Any:
        found = model.objects.get_some(pks)
        return {each.pk: shown(each) for each in found.results}, sorted(map(str, found.missing))

    def look() -> Any:
        rows = {each.pk: shown(each) for each in admitted(model).filter(pk__in=pks)}
        return {pk: rows[pk] for pk in pks if pk in rows}, sorted(str(pk) for pk in pks if pk not in rows)

    return Question(f"{model._meta.label}.get_some({pks!r})", tables_of(model), ask, look)


def some_columns(model: Any, pks: list[Any]) -> Question:
    """Ask for columns, as `values()` gives them."""
    names = columns_of(model)

    def ask() -> Any:
        found = model.objects.get_some_cols(pks, *names)
        return sorted(map(str, ([exact(row[name]) for name in names] for row in found.results)))

    def look() -> Any:
        rows = admitted(model).filter(pk__in=pks).values_list(*names)
        return sorted(map(str, (list(map(exact, row)) for row in rows)))

    return Question(f"{model._meta.label}.get_some_cols({pks!r})", tables_of(model), ask, look)


def existing(model: Any, pks: list[Any]) -> Question:
    """Ask which rows exist."""

    def ask() -> Any:
        batch = Batch()
        found = batch.add(existence_of(model).among(pks))
        batch.run()
        return set(found.result.results)

    def look() -> Any:
        return set(rows_of(model).filter(pk__in=pks).values_list("pk", flat=True))

    return Question(f"existence of {model._meta.label} {pks!r}", tables_of(model), ask, look)


def _run(read: Any) -> Any:
    batch = Batch()
    batch.add(read)
    batch.run()
    return read.result


def _edges(declaration: Any, owner: Any) -> Any:
    rows = rows_of(declaration.model)
    return rows.filter(declaration.where, **{declaration.by[0]: owner})


def newest(declaration: IdList, owner: Any) -> Question:
    """Ask for the newest ids of an owner."""

    def look() -> Any:
        return newest_of(declaration, _edges(declaration, owner))

    tables = tables_of(declaration.model)
    return Question(f"{declaration.label}.of({owner!r})", tables, lambda: _run(declaration.of(owner)), look)


def members_of(declaration: IdSet, owner: Any, members: list[Any]) -> Question:
    """Ask which members an owner has."""
    column = member_of(declaration)

    def look() -> Any:
        have = set(_edges(declaration, owner).values_list(column, flat=True))
        return {member: member in have for member in members}

    name = f"{declaration.label}.among({owner!r}, {members!r})"
    return Question(name, tables_of(declaration.model), lambda: _run(declaration.among(owner, members)), look)


def edge_values(declaration: EdgeValue, owner: Any, members: list[Any]) -> Question:
    """Ask what an owner's edges say."""

    def look() -> Any:
        column = member_of(declaration)
        rows = _edges(declaration, owner).filter(**{f"{column}__in": members}).values_list(column, declaration._value)
        return dict.fromkeys(members) | dict(rows)

    name = f"{declaration.label}.of({owner!r}, {members!r})"
    return Question(name, tables_of(declaration.model), lambda: _run(declaration.of(owner, members)), look)


def fill(seen: Seen) -> None:
    """Ask everything once, so that the answers are in the cache; also about rows that will be there next."""
    seen.look()
    for model in seen.models:
        seen.look_ahead(model)
    for question in seen.questions():
        question.ask()


def differences(seen: Seen, *, times: int = 2) -> list[str]:
    """Ask everything `times` times (the first fills, the next are hits); return what differs from the database."""
    seen.look()
    found = []
    for question in seen.questions():
        truth = question.look()
        for time in range(times):
            answer = question.ask()
            if answer != truth:
                found.append(f"{question.name}, asked {time + 1} times: {answer} but it is {truth}")
    return found
