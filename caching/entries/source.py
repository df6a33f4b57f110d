"""What can stand in the cache: how each kind of entry is keyed, loaded, written and read."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cached_property
from operator import itemgetter
from typing import Any, Generic, NamedTuple, Protocol, TypeGuard, TypeVar

from ..redis.epochs import epochs
from ..redis.script import Command

T = TypeVar("T")


class Source(Protocol):
    """One kind of entry. Callers ask by identities, and get values; None stands for nothing.

    A source that is asked for many at a time may have a cheaper `decode_all(identities, entries) -> list`, or None
    there. One whose query takes more than one parameter for an identity says so by `parameters_each`.
    """

    label: str
    """Names the source in statistics."""
    scripted: bool
    """Whether it is a ScriptedSource."""
    outlives_runs: bool
    """Whether entries are believed in whichever run of Redis they were filled, so they carry no mark."""

    @property
    def using(self) -> str:
        """The database that it loads from."""

    def key(self, identity: Any) -> str:
        """Return the Redis key of an entry."""

    def load(self, identities: Iterable[Any]) -> Mapping[Any, Any]:
        """Return {identity: value} by one SQL query for all; absent identities are missing."""

    def encode(self, identity: Any, value: Any) -> tuple[bytes, int]:
        """Return the entry and its life in ms; an empty entry stands for a value that cannot be cached."""

    def decode(self, identity: Any, entry: bytes) -> Any:
        """Return the value, or None for nothing; raises Stale, for b"" too."""


class ScriptedSource(Source, Protocol):
    """A source whose entries are read and filled by commands of its own: id sets, the only kind there is."""

    @staticmethod
    def read_command(keys: Sequence[str], question: Any, *, tell_all: bool = False) -> Command:
        """Return the command that reads entries of several such sources, all asked the same question; with `tell_all`
        some may come so that they answer every question."""

    @staticmethod
    def tells_all(value: Any) -> bool:
        """Return whether a value answers every question."""

    def fill_command(self, key: str, value: Any, token: str) -> Command:
        """Return the command that puts a loaded value where the lease `token` still stands."""

    def ask(self, identity: Any) -> "Result[Any]":
        """Return the question to one entry."""

    def merged(self, one: Any, other: Any) -> Any:
        """Return the identity of two questions to one entry together."""

    def load_asked(self, identities: Iterable[Any]) -> Mapping[Any, Any]:
        """Like `load`, for values that will not be filled."""

    def lacks(self, identity: Any, value: Any) -> bool:
        """Return whether a value leaves a part of the question to the database."""

    def complete(self, identity: Any, value: Any) -> Any:
        """Return the value with what it lacked, by one SQL query if it lacked anything."""


def is_scripted(source: Source) -> TypeGuard[ScriptedSource]:
    """Return whether a source reads and fills its entries by commands of its own."""
    return source.scripted


def encode(source: Source, key: str, identity: Any, value: Any) -> tuple[bytes, int]:
    """Return the entry as it is put at a key, behind the mark of this run of Redis, and its life in ms."""
    entry, life_ms = source.encode(identity, value)
    return (epochs.mark(key) + entry if entry and not source.outlives_runs else entry), life_ms


def decode(source: Source, key: str, identity: Any, entry: bytes) -> Any:
    """Return the value of what stands at a key; raises Stale, also for an entry of another run of Redis."""
    if epochs.is_marking and not source.outlives_runs:
        (entry,) = epochs.unmarked([key], [entry])
    return source.decode(identity, entry)


def decode_all(source: Source, identities: Iterable[Any], entries: Iterable[bytes]) -> list[Any]:
    """Return the values of entries; raises Stale if any of them cannot be used."""
    if (together := getattr(source, "decode_all", None)) is not None:
        values: list[Any] = together(identities, entries)
        return values
    decode = source.decode
    return [decode(identity, entry) for identity, entry in zip(identities, entries, strict=True)]


class Result(Generic[T]):
    """A question to one source, and once the batch has run its answer, `result`."""

    question: Any = None
    """Of a scripted source: questions that are equal share one command."""
    source: Any
    """A Source."""
    prefix: str | None = None
    """What the keys begin with, where an integer follows."""
    ids: Collection[Any]
    """These integers, each once; with other keys what stands for them."""
    result: T

    def __init__(
        self, source: Source, identities: Mapping[str, Any], shape: Callable[[Sequence[Any]], T] = itemgetter(0)
    ) -> None:
        """`identities`: by key; `shape` makes the result of their values, by default the only one."""
        self.source, self.identities, self.ids, self._shape = source, identities, identities, shape

    @cached_property
    def identities(self) -> Mapping[str, Any]:
        """The identities by key, in the order of `ids`; many questions are answered without their keys."""
        identities: Mapping[str, Any] = self.source.by_key(self.ids, self.prefix)
        return identities

    def resolve(self, values: Sequence[Any]) -> None:
        """Take the values, in the order of `identities`."""
        self.result = self._shape(values)


class Found(NamedTuple, Generic[T]):
    """Results in the order asked and without duplicates, and the ids that no row has."""

    results: list[T]
    missing: list[Any]
