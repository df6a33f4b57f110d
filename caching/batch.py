"""Several models' rows, and other commands, in one round trip."""

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeVar

from django.core.exceptions import FieldError

from caching import holds
from caching.codec import projection
from caching.conf import conf
from caching.connection import Command, Script, on_cluster
from caching.edgevalues import EdgeValue
from caching.glances import Glance
from caching.idlists import IdList
from caching.idsets import Ident, IdSet
from caching.reads import Reading
from caching.sources import Presence, Source, presence_of, rows_of

if TYPE_CHECKING:
    from caching.managers import CachedModel

T = TypeVar("T")


class Found(NamedTuple, Generic[T]):
    """What a batch found, in the order asked and without duplicates, and the ids that no row has."""

    results: list[T]
    missing: list[Any]


class Part(Protocol):
    """What a batch asks one source for."""

    @property
    def source(self) -> Any:
        """A `Source`."""

    @property
    def idents(self) -> Mapping[str, Any]:
        """By key."""

    def resolve(self, values: list[Any]) -> None:
        """Take what was found, in the order of `idents`."""


class Rows:
    """Rows asked of a batch, by primary key; readable once the batch has run."""

    _rows: Sequence[Any] = ()
    _by_key: dict[str, Any] | None = None

    def __init__(self, model: "type[CachedModel]", pks: list[Any]) -> None:
        self._model = model
        self.asked = model, pks
        self.source = rows_of(model)
        self.idents = self.source.by_key(pks)

    def resolve(self, values: list[Any]) -> None:
        self._rows, self._by_key = values, None

    def cols(self, *columns: str) -> Found[dict[str, Any]]:
        """Dicts of the named columns, or of all cached ones; raises FieldError for a column that is not cached."""
        names = columns_of(self._model, columns)
        read = operator.attrgetter(*names) if len(names) > 1 else lambda row: (getattr(row, names[0]),)
        return self._found(lambda rows: [dict(zip(names, read(row), strict=True)) for row in rows])

    def documents(self, *columns: str) -> Found[Any]:
        """Like `cols`, but read-only structs, which msgspec writes as JSON objects: a quarter of the cost of dicts."""
        return self._found(_shape(self._model, columns))

    def instances(self) -> Found[Any]:
        """Model instances; columns that are never cached are deferred."""
        return self._found(lambda rows: list(map(self._instance, rows)))

    def row(self, pk: Any) -> Any:
        """The row as an immutable struct of its cached columns, or None."""
        if self._by_key is None:
            self._by_key = dict(zip(self.idents, self._rows, strict=True))
        return self._by_key[self.source.key(self.source.ident(pk))]

    def sole(self) -> Any:
        """The same of the only one that was asked."""
        (row,) = self._rows
        return row

    def one(self, pk: Any) -> Any:
        """The instance, or None."""
        row = self.row(pk)
        return None if row is None else self._instance(row)

    def _instance(self, row: Any) -> Any:
        return instance_of(self._model, row)

    def _found(self, shape: Callable[[Sequence[Any]], list[Any]]) -> Found[Any]:
        rows = self._rows
        if None not in rows:
            return Found(shape(rows), [])
        there = [row for row in rows if row is not None]
        missing = [pk for pk, row in zip(self.idents.values(), rows, strict=True) if row is None]
        return Found(shape(there), missing)


class Present:
    """Whether rows are there, without the cost of decoding them. `result` is readable once the batch has run."""

    result: Found[Any]

    def __init__(self, model: "type[CachedModel]", pks: Iterable[Any]) -> None:
        self.source = presence_of(model)
        self.idents = self.source.by_key(pks)

    def resolve(self, values: list[Any]) -> None:
        pks = list(self.idents.values())
        if None not in values:
            self.result = Found(pks, [])
            return
        found = list(zip(pks, values, strict=True))
        self.result = Found(
            [pk for pk, value in found if value is not None], [pk for pk, value in found if value is None]
        )


class Membership:
    """Ids asked of an id set; once the batch has run, `result` is {id: bool} in the order asked, `members` are those
    that the set has, and perhaps others of them that the batch was asked for as well."""

    members: frozenset[int] = frozenset()

    def __init__(self, id_set: IdSet, owner: Any, ids: tuple[int, ...]) -> None:
        self.id_set, self.ident = id_set, Ident(owner, ids)
        self.key = id_set.state_key(owner)

    def add_to(self, wants: dict[Any, dict[str, Any]]) -> None:
        of_owner = wants.setdefault(self.id_set, {})
        before = of_owner.get(self.key)
        ids = tuple(dict.fromkeys((*before.ids, *self.ident.ids))) if before else self.ident.ids
        of_owner[self.key] = self.ident._replace(ids=ids)

    def resolve(self, wants: Mapping[Any, Mapping[str, Any]], values: dict[str, Any]) -> None:
        # Asked with all ids of the batch, so that several checks of one set share the query below the floor.
        known = values[self.key] = self.id_set.complete(wants[self.id_set][self.key], values[self.key])
        self.members = known.members

    @cached_property
    def result(self) -> dict[int, bool]:
        members = self.members
        return {each: each in members for each in self.ident.ids}


class Listed:
    """An id list asked of a batch; `result` is readable once the batch has run."""

    result: list[int]

    def __init__(self, id_list: IdList, owner: Any) -> None:
        self.source = id_list
        self.idents = {id_list.key(owner): owner}

    def resolve(self, values: list[Any]) -> None:
        (self.result,) = values


class EdgeValues:
    """Values asked of edges; `result` is {member: value, or None for no edge} once the batch has run."""

    result: dict[Any, int | None]

    def __init__(self, edge_value: EdgeValue, owner: Any, members: Iterable[Any]) -> None:
        self.source = edge_value
        pairs = (edge_value.ident(owner, member) for member in members)
        self.idents = {edge_value.key(pair): pair for pair in pairs}

    def resolve(self, values: list[Any]) -> None:
        self.result = {pair.member: value for pair, value in zip(self.idents.values(), values, strict=True)}


class Reply:
    """What a script answered; None if Redis could not be asked or the script failed."""

    result: Any = None


class Batch:
    """Collect what one request needs of Redis, then `run()` it in one round trip (if everything is a hit)."""

    _has_ridden = False

    def __init__(self) -> None:
        self._parts: list[Part] = []
        self._memberships: list[Membership] = []
        self._commands: list[Command] = []
        self._replies: list[Reply] = []

    def rows(self, model: "type[CachedModel]", pks: Iterable[Any]) -> Rows:
        """Raises ValidationError for a primary key of the wrong type."""
        asked = list(pks)
        for part in self._parts:
            if isinstance(part, Rows) and part.asked == (model, asked):  # such as the caller's own
                return part
        rows = Rows(model, asked)
        self._parts.append(rows)
        return rows

    def add(self, part: Part) -> None:
        """Take in another kind of read, which brings a source of its own."""
        self._parts.append(part)

    def present(self, model: "type[CachedModel]", pks: Iterable[Any]) -> Present:
        """Which primary keys there are; raises ValidationError for one of the wrong type."""
        present = Present(model, pks)
        self.add(present)
        return present

    def ids(self, id_list: IdList, owner: Any) -> Listed:
        """The newest ids of an owner, newest first."""
        listed = Listed(id_list, owner)
        self.add(listed)
        return listed

    def edge_values(self, edge_value: EdgeValue, owner: Any, members: Iterable[Any]) -> EdgeValues:
        """What an owner's edges to these members say."""
        values = EdgeValues(edge_value, owner, members)
        self.add(values)
        return values

    def contains(self, id_set: IdSet, owner: Any, ids: Iterable[int]) -> Membership:
        """Which of these ids are in the owner's set; any number of sets share the round trip."""
        return self.contains_each([id_set], owner, ids)[0]

    def contains_each(self, id_sets: Iterable[IdSet], owner: Any, ids: Iterable[int]) -> list[Membership]:
        """The same of several sets of an owner, in their order."""
        asked = tuple(dict.fromkeys(ids))
        if asked and min(asked) < 1:
            raise ValueError(f"Ids are positive: {min(asked)} is not.")
        memberships = [Membership(id_set, owner, asked) for id_set in id_sets]
        if asked:
            self._memberships += memberships
        return memberships

    def script(self, script: Script, keys: Sequence[str], args: Iterable[Any] = ()) -> Reply:
        """A script to share the round trip; `keys`, given without prefix, must share a slot."""
        reply = Reply()
        prefix = conf().prefix
        self._commands.append(script.command([f"{prefix}:{key}" for key in keys], args))
        self._replies.append(reply)
        return reply

    def ride(self, using: str) -> None:
        """Share the round trip in which the current transaction tells Redis of its commit, if there will be one.
        Whatever comes of that, call `run()` after the commit: it does what is left."""
        riders = holds.riders(using)
        if riders is not None and not on_cluster():
            riders.append(self)

    def run(self) -> None:
        if self._has_ridden:
            return
        reading = Reading(self._wanted())
        self._resolve(reading, reading.run(self._commands))

    def look(self) -> list[Command]:
        """For who may not block: the commands to send to a single server; what they are answered is for `all_hit`."""
        self._glance = Glance(self._parts, self._memberships, self._commands)
        return self._glance.commands

    def all_hit(self, replies: list[Any]) -> bool:
        """Whether the cache had everything, as if the batch had run. If not, only the scripts have their replies: run
        it, or another one, which may wait for others, ask the database and fill."""
        if self._replies:
            self._answer_scripts(self._glance.riders(replies))
        return self._glance.all_hit(replies)

    def commands(self) -> list[Command]:
        """As a rider (holds.Rider)."""
        return self.look()

    def answered(self, replies: list[Any]) -> None:
        self._has_ridden = self.all_hit(replies)

    def missed(self) -> None:
        """`run()` asks the database."""

    def _wanted(self) -> dict[Source, dict[str, Any]]:
        wants: dict[Source, dict[str, Any]] = {}
        for part in self._parts:
            wants.setdefault(part.source, {}).update(part.idents)
        for membership in self._memberships:
            membership.add_to(wants)
        for source in [source for source in wants if isinstance(source, Presence)]:
            if (rows := rows_of(source.model)) in wants:  # which say so, too, and are one query together
                wants[rows].update(wants.pop(source))
        return wants

    def _resolve(self, reading: Reading, replies: list[Any]) -> None:
        self._answer_scripts(replies)
        for part in self._parts:
            part.resolve([reading.values[key] for key in part.idents])
        for membership in self._memberships:
            membership.resolve(reading.wants, reading.values)

    def _answer_scripts(self, replies: list[Any]) -> None:
        for reply, result in zip(self._replies, replies, strict=False):
            reply.result = None if isinstance(result, Exception) else result


def read_rows(model: "type[CachedModel]", pks: Iterable[Any]) -> Rows:
    batch = Batch()
    rows = batch.rows(model, pks)
    batch.run()
    return rows


def instance_of(model: "type[CachedModel]", row: Any) -> Any:
    """An instance from a cached row: marked, because a whole-row save of it could undo somebody's newer write."""
    columns = rows_of(model).codec.columns
    instance = model.from_db(rows_of(model).using, columns, [getattr(row, column) for column in columns])
    instance.is_from_cache = True
    return instance


@lru_cache(maxsize=256)
def _shape(model: "type[CachedModel]", columns: tuple[str, ...]) -> Callable[[Sequence[Any]], list[Any]]:
    return projection(columns_of(model, columns))


@lru_cache(maxsize=256)
def columns_of(model: "type[CachedModel]", columns: tuple[str, ...]) -> tuple[str, ...]:
    """Those named, or all that are cached; raises FieldError."""
    check_columns(model, columns)
    return columns or rows_of(model).codec.columns


def check_columns(model: "type[CachedModel]", columns: Iterable[str]) -> None:
    unknown = [column for column in columns if column not in rows_of(model).codec.columns]
    if unknown:
        raise FieldError(
            f"{model._meta.label} does not cache {', '.join(map(repr, unknown))}: "
            f"cached are {', '.join(rows_of(model).codec.columns)}."
        )
