"""The kinds of entries that there are, for operators: how each is asked for, and what an entry and the database say."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from .. import registry
from ..entries.derived import Derived
from ..entries.edge_lists import EdgeList
from ..entries.edge_values import EdgeValue
from ..entries.id_lists import IdList
from ..entries.id_sets import LEAST, IdSet, SetContents, SetQuery
from ..entries.rows import rows_of
from ..entries.source import Result
from ..protocol import steps
from ..protocol.codec import Stale
from ..reading.inspect import Seen, look_at
from ..reading.reader import ReadThrough
from ..reading.unique import looked_up
from ..redis.client import round_trip
from ..redis.failures import Unavailable, without_errors

Plain = dict[str, Any]


class Question(NamedTuple):
    """One entry of a source."""

    source: Any
    identity: Any

    @property
    def key(self) -> str:
        """The Redis key of the entry."""
        return str(self.source.key(self.identity))


class Kind:
    """A kind of entry. `label` names it, `parameters` what it is asked by, `optional` is the number of the last of
    those that may be missing."""

    optional = 0

    def __init__(self, label: str, parameters: tuple[str, ...]) -> None:
        self.label, self.parameters = label, parameters

    def question(self, *texts: str) -> Question:
        """Return the entry that texts lead to, one for each parameter; raises ValidationError."""
        raise NotImplementedError

    def texts_of(self, key_end: str) -> list[str]:
        """Return the texts that may lead to the entry whose key ends like this behind its prefix."""
        return key_end.strip("{}").split(":")

    def prefixes(self) -> Iterable[str]:
        """Return what the keys of all entries begin with, in the database that the router names now."""
        raise NotImplementedError

    def plain(self, question: Question, value: Any) -> Plain:
        """Return what a value says, by name; nothing of one that says "none"."""
        return {} if value is None else {"value": value}

    def differences(self, question: Question, cached: Any, stored: Any) -> list[str]:
        """Return the names of what an entry and the database say differently."""
        one, other = self.plain(question, cached), self.plain(question, stored)
        return [name for name in {**one, **other} if name not in one or name not in other or one[name] != other[name]]

    def decode(self, question: Question, entry: bytes) -> Any:
        """Return the value of an entry; raises Stale."""
        return question.source.decode(question.identity, entry)


class RowKind(Kind):
    """Rows of a cached model by primary key."""

    def __init__(self, model: Any) -> None:
        super().__init__(model._meta.label, (model._meta.pk.name,))
        self.model = model

    def question(self, *texts: str) -> Question:
        rows = rows_of(self.model)
        return Question(rows, rows.identity(texts[0]))

    def prefixes(self) -> list[str]:
        return [rows_of(self.model).key_prefix()]

    def plain(self, question: Question, value: Any) -> Plain:
        columns = question.source.codec.columns
        return {} if value is None else {name: getattr(value, name) for name in columns}


class LookupKind(Kind):
    """Primary keys of a cached model by a unique column."""

    def __init__(self, model: Any, column: str) -> None:
        super().__init__(f"{model._meta.label} by {column}", (column,))
        self.model, self._column = model, column

    def question(self, *texts: str) -> Question:
        return Question(*looked_up(self.model, self._column, texts[0], None))

    def prefixes(self) -> list[str]:
        field = self.model._meta.get_field(self._column)
        return [f"{rows_of(self.model).key_prefix()}{field.attname}:"]

    def plain(self, question: Question, value: Any) -> Plain:
        return {} if value is None else {"leads to": value.pk, self._column: value.matched}


class DerivedKind(Kind):
    """Entries that follow from rows: edge values, and by subclasses id lists and id sets."""

    def __init__(self, declared: Derived) -> None:
        self.declared = declared
        super().__init__(_label_of(declared), declared.columns()[: len(declared.by)])

    @property
    def owner(self) -> str:
        """What the entries belong to: the name of a model ("user"), or of a column that is no foreign key."""
        field: Any = self.declared.model._meta.get_field(self.declared.by[0])
        return str(field.related_model._meta.model_name if field.is_relation else field.name)

    def question(self, *texts: str) -> Question:
        source = self.declared.here()
        return Question(source, source.identity(*texts[: len(self.parameters)]))

    def prefixes(self) -> list[str]:
        return [self.declared.here().key_prefix()]


class ListKind(DerivedKind):
    """The newest ids of an owner's rows, or of its edges."""

    def plain(self, question: Question, value: Any) -> Plain:
        ids = question.source.listed(value).ids
        return {"ids": [*zip(ids[::2], ids[1::2], strict=True)] if isinstance(question.source, EdgeList) else ids}


class SetKind(DerivedKind):
    """The ids that an owner has; a second text asks for one of them."""

    optional = 1

    def __init__(self, declared: IdSet) -> None:
        super().__init__(declared)
        self.parameters = (*self.parameters, declared.member)

    def question(self, *texts: str) -> Question:
        source: Any = self.declared.here()
        owner = source.identity(texts[0]).owner
        return Question(source, SetQuery(owner, tuple(map(source.ids.canonical, texts[1:]))))

    def plain(self, question: Question, value: SetContents) -> Plain:
        floor = value.floor or 0
        asked = {f"has {each}": each in value.members if each >= floor else "asked of the database, being old"
                 for each in question.identity.ids}  # fmt: skip
        reach = f"all from {floor} on, the database has older ones" if floor else "all that there are"
        return {**asked, "ids": sorted(value.members, reverse=True), "reach": reach}

    def differences(self, question: Question, cached: SetContents, stored: SetContents) -> list[str]:
        least = max(cached.floor or LEAST, stored.floor or LEAST)
        one, other = ({each for each in value.members if each >= least} for value in (cached, stored))
        return [str(each) for each in sorted(one ^ other)]

    def decode(self, question: Question, entry: bytes) -> SetContents:
        (members,) = without_errors(round_trip([("SMEMBERS", steps.members_key(question.key))]))
        ids = set(map(int, members))
        if 0 not in ids:  # the sentinel: the members were evicted alone
            raise Stale
        return SetContents(int(entry[1:]), frozenset(ids - {0}))


class Sighting(NamedTuple):
    """What stands at a key, and what that says; `is_usable` is False for what a reader would load anew."""

    seen: Seen
    idle_s: int | None = None
    is_usable: bool = False
    value: Any = None


def sight(kind: Kind, question: Question) -> Sighting:
    """Return what Redis has of an entry; raises redis.RedisError or OSError when it cannot be reached."""
    idle_s = _idle_s(question.key)  # first, as a read ends the idleness
    seen = look_at(question.key)
    if seen.state != "value":
        return Sighting(seen, idle_s)
    try:
        return Sighting(seen, idle_s, True, kind.decode(question, seen.value))
    except Stale:
        return Sighting(seen, idle_s)


def _idle_s(key: str) -> int | None:
    (reply,) = round_trip([("OBJECT", "IDLETIME", key)])
    if isinstance(reply, Unavailable):
        raise reply
    return reply if isinstance(reply, int) else None  # an error where Redis counts frequencies instead


def load(question: Question) -> Any:
    """Return what the database says now, past the cache; raises django.db.Error."""
    return question.source.load([question.identity]).get(question.identity)


def warm(question: Question) -> None:
    """Read an entry as any reader would, so that it is loaded and filled unless it is there, or held."""
    source, identity = question
    if isinstance(source, IdSet) and not identity.ids:
        identity = identity._replace(ids=(LEAST,))
    asked = source.ask(identity) if source.scripted else Result(source, {question.key: identity})
    ReadThrough([asked]).run()


def drop(question: Question) -> bool:
    """Delete an entry, unless writers hold it; return whether its server could be asked.

    Raises redis.RedisError or OSError when Redis cannot be reached.
    """
    return not steps.discard([question.key])


def kinds() -> Iterator[Kind]:
    """Yield the kinds of rows, lookups and what is derived, in the order of declaration."""
    for model in registry.models():
        yield RowKind(model)
        yield from (LookupKind(model, column) for column in model.cached.lookups)
    for declared in registry.by_model().values():
        for each in declared:
            if isinstance(each, IdSet):
                yield SetKind(each)
            elif isinstance(each, IdList):
                yield ListKind(each)
            elif isinstance(each, EdgeValue):
                yield DerivedKind(each)


def _label_of(declared: Derived) -> str:
    """Return the app and the name of the variable in the module of the model: "social.following"."""
    module: Mapping[str, Any] = vars(sys.modules[declared.model.__module__])
    name = next((name for name, value in module.items() if value is declared), declared.label)
    return f"{declared.model._meta.app_label}.{name}"
