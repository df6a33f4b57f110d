"""Blocks: cache entries that each hold the counters of TARGETS_PER_BLOCK targets with neighbouring ids.

A key per target would take more memory than its numbers (see docs/decisions/0003-counter-values.md). An entry is
MessagePack, behind 'V' and a fingerprint of the counters' names: [watermark, then for each target each counter]. The
watermark is the id of the newest delta that may be in the values.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from caching.api import Entry
from caching.extend import Command, RememberedRows, Script, Stale, entry_of, fingerprint, jittered_ms, mark_of_run
from caching.extend import key_prefix as database_prefix
from counters import queries, registry

TARGETS_PER_BLOCK = 8
KEYS = "c"
"""What the keys of blocks begin with, behind the database."""
TTL_S = 24 * 3_600
FINGERPRINT_BYTES = 4
PREFIX_BYTES = 1 + FINGERPRINT_BYTES
MOST_REMEMBERED = 4_096  # entries, of about 2 kB each with their JSON

_increment = Script.from_files(Path(__file__).parent / "lua", "increment")
_decode = msgspec.msgpack.Decoder(list[int]).decode


Values = Callable[..., Any]


class Content(tuple[int, ...]):
    """The numbers of a block, and what they say of each target."""

    values_of: Values
    width: int

    @classmethod
    def of(cls, names: tuple[str, ...], numbers: Iterable[int]) -> "Content":
        """Return the content of a block whose counters have these names."""
        content = cls(numbers)
        content.values_of, content.width = struct_of(names), len(names)
        return content

    @cached_property
    def values(self) -> list[Any]:
        """The values of each target, none of them negative."""
        shown, width = [max(0, number) for number in self], self.width
        return [self.values_of(*shown[first : first + width]) for first in range(1, len(shown), width)]

    def values_at(self, place: int) -> Any:
        """Return the values of one target, without making those of the others."""
        if "values" in self.__dict__:
            return self.values[place]
        first = 1 + place * self.width
        return self.values_of(*[max(0, number) for number in self[first : first + self.width]])

    @cached_property
    def texts(self) -> list[msgspec.Raw]:
        """The values of each target as JSON."""
        return [msgspec.Raw(msgspec.json.encode(each)) for each in self.values]


@cache
def struct_of(names: tuple[str, ...]) -> Values:
    """Return the type of the values of a target whose counters have these names."""
    return msgspec.defstruct("Values", [(name, int) for name in names], frozen=True, gc=False)


Block = tuple[str, int]
"""(kind, number): the targets of a kind with ids from number × TARGETS_PER_BLOCK on. A plain tuple, because a request
creates many."""


class Layout(NamedTuple):
    """The names, the prefix and the number of values of the blocks of a kind."""

    names: tuple[str, ...]
    prefix: bytes
    length: int


def layout_of(kind: str) -> Layout:
    """Return the layout of a kind's blocks; raises UnknownKind."""
    return _layout(registry.names_of(kind))


@cache
def _layout(names: tuple[str, ...]) -> Layout:
    prefix = b"V" + fingerprint([TARGETS_PER_BLOCK, *names])[:FINGERPRINT_BYTES]
    return Layout(names, prefix, 1 + TARGETS_PER_BLOCK * len(names))


def block_of(kind: str, target_id: int) -> Block:
    """Return the block that holds a target's counters."""
    return kind, target_id // TARGETS_PER_BLOCK


def key_prefix(kind: str) -> str:
    """Return the part of a block's key before its number."""
    return f"{database_prefix(queries.database())}{KEYS}:{kind}:"


def key(block: Block) -> str:
    """Return the Redis key of a block."""
    kind, number = block
    return f"{key_prefix(kind)}{number}"


def position(kind: str, target_id: int, name: str) -> int:
    """Return the index of a counter in its block's values, after the watermark; raises ValueError if undeclared."""
    names = registry.names_of(kind)
    return target_id % TARGETS_PER_BLOCK * len(names) + names.index(name)


class BlockSource:
    """The cache source of blocks (caching.extend.Source); entries that were read lately are not decoded again."""

    label = "counters"
    scripted = False
    outlives_runs = False

    @property
    def using(self) -> str:
        return queries.database()

    def key(self, block: Block) -> str:
        return key(block)

    def __init__(self) -> None:
        remembered = RememberedRows(self._decode, None, MOST_REMEMBERED)
        self.decode, self.decode_all = remembered.decode, remembered.decode_all

    def load(self, blocks: Iterable[Block]) -> dict[Block, Content]:
        loaded = {block: [0] * layout_of(block[0]).length for block in blocks}
        targets: dict[str, list[int]] = {}
        for kind, number in loaded:
            targets.setdefault(kind, []).extend(range(number * TARGETS_PER_BLOCK, (number + 1) * TARGETS_PER_BLOCK))
        for kind, target_id, name, amount, newest in queries.read(targets):
            if name in registry.counters_of(kind):
                content = loaded[block_of(kind, target_id)]
                content[0] = max(content[0], newest)
                content[1 + position(kind, target_id, name)] += amount
        return {block: Content.of(layout_of(block[0]).names, numbers) for block, numbers in loaded.items()}

    def encode(self, block: Block, content: Sequence[int]) -> tuple[bytes, int]:
        return layout_of(block[0]).prefix + msgspec.msgpack.encode(list(content)), jittered_ms(TTL_S)

    def _decode(self, block: Block, entry: bytes) -> Content:
        names, prefix, length = layout_of(block[0])
        if not entry.startswith(prefix):
            raise Stale
        try:
            content = Content.of(names, _decode(entry[PREFIX_BYTES:]))
        except msgspec.MsgspecError as error:
            raise Stale from error
        if len(content) != length:
            raise Stale
        return content


class LoggedDelta(NamedTuple):
    """A row of the delta log."""

    pk: int
    kind: str
    target_id: int
    name: str
    amount: int


def keys_of(deltas: Iterable[LoggedDelta]) -> set[str]:
    """Return the keys of the blocks that deltas change."""
    return {key(block_of(delta.kind, delta.target_id)) for delta in deltas}


def increment_commands(deltas: Iterable[LoggedDelta]) -> list[Command]:
    """Return commands that add committed deltas to existing entries; each succeeds or fails independently."""
    args: dict[Block, list[int]] = {}
    for delta in deltas:
        at = position(delta.kind, delta.target_id, delta.name)
        args.setdefault(block_of(delta.kind, delta.target_id), []).extend((at, delta.amount, delta.pk))
    return [_increment_command(block, numbers) for block, numbers in args.items()]


def _increment_command(block: Block, numbers: list[int]) -> Command:
    name = key(block)
    return _increment.command([name], [mark_of_run(name) + layout_of(block[0]).prefix, *numbers])


SOURCE = BlockSource()


def entry_of_target(kind: str, target_id: int) -> Entry:
    """Return the entry that holds a target's counters, and those of its neighbours; raises UnknownKind."""
    names = registry.names_of(kind)

    def in_words(content: Content) -> str:
        own = ((name, content[1 + position(kind, target_id, name)]) for name in names)
        return f"has, of {kind}:{target_id}, " + ", ".join(f"{name}={value:,}" for name, value in own)

    return entry_of(SOURCE, block_of(kind, target_id), in_words)
