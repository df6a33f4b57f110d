"""What Redis holds: one entry for the counters of NEIGHBOURS targets with neighbouring ids.

A key of its own costs a target more than its numbers do (see docs/decisions/0003-counter-values.md). The entry is
MessagePack, behind 'V' and a fingerprint of the counters' names: [mark, then for each target each counter]. `mark` is
the newest delta that may be in the values.
"""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import msgspec

from caching.extend import Command, Script, Stale, conf, fingerprint, jittered_ms
from counters import queries, registry

NEIGHBOURS = 8
TTL_S = 24 * 3_600
FINGERPRINT_BYTES = 4
PREFIX_BYTES = 1 + FINGERPRINT_BYTES

_bump = Script.from_files(Path(__file__).parent / "lua", "bump")
_decode = msgspec.msgpack.Decoder(list[int]).decode


Block = tuple[str, int]
"""(kind, number): the targets of a kind with ids from number × NEIGHBOURS on. Many are made in a request, so it is a
plain tuple."""


class Layout(NamedTuple):
    """How a kind's blocks look."""

    names: tuple[str, ...]
    prefix: bytes
    length: int


def layout_of(kind: str) -> Layout:
    """Raises UnknownKind."""
    return _layout(registry.names_of(kind))


@cache
def _layout(names: tuple[str, ...]) -> Layout:
    prefix = b"V" + fingerprint([NEIGHBOURS, *names])[:FINGERPRINT_BYTES]
    return Layout(names, prefix, 1 + NEIGHBOURS * len(names))


def block_of(kind: str, target_id: int) -> Block:
    return kind, target_id // NEIGHBOURS


def key_prefix(kind: str) -> str:
    """A key is this and the block's number."""
    return f"{conf().prefix}:c:{kind}:"


def key(block: Block) -> str:
    kind, number = block
    return f"{key_prefix(kind)}{number}"


def position(kind: str, target_id: int, name: str) -> int:
    """Where in the block's values, behind the mark, a counter is; raises ValueError for a name nobody declares."""
    names = registry.names_of(kind)
    return target_id % NEIGHBOURS * len(names) + names.index(name)


class Blocks:
    """A source of the cache (caching.extend.Source). A value is the list in the entry."""

    label = "counters"
    scripted = False

    @property
    def using(self) -> str:
        return queries.database()

    def key(self, block: Block) -> str:
        return key(block)

    def load(self, blocks: Iterable[Block]) -> dict[Block, list[int]]:
        loaded = {block: [0] * layout_of(block[0]).length for block in blocks}
        targets: dict[str, list[int]] = {}
        for kind, number in loaded:
            targets.setdefault(kind, []).extend(range(number * NEIGHBOURS, (number + 1) * NEIGHBOURS))
        for kind, target_id, name, amount, newest in queries.read(targets):
            if name in registry.counters_of(kind):
                content = loaded[block_of(kind, target_id)]
                content[0] = max(content[0], newest)
                content[1 + position(kind, target_id, name)] += amount
        return loaded

    def encode(self, block: Block, content: list[int]) -> tuple[bytes, int]:
        return layout_of(block[0]).prefix + msgspec.msgpack.encode(content), jittered_ms(TTL_S)

    def decode(self, block: Block, entry: bytes) -> list[int]:
        return self.decode_all([block], [entry])[0]

    def decode_all(self, blocks: Iterable[Block], entries: Iterable[bytes]) -> list[list[int]]:
        contents, of = [], None
        try:
            for (kind, _), entry in zip(blocks, entries, strict=True):
                if kind != of:
                    of, (_, prefix, length) = kind, layout_of(kind)
                if not entry.startswith(prefix):
                    raise Stale
                content = _decode(entry[PREFIX_BYTES:])
                if len(content) != length:
                    raise Stale
                contents.append(content)
        except msgspec.MsgspecError as error:
            raise Stale from error
        return contents


class LoggedDelta(NamedTuple):
    """A row of the delta log."""

    pk: int
    kind: str
    target_id: int
    name: str
    amount: int


def keys_of(deltas: Iterable[LoggedDelta]) -> set[str]:
    """The entries that these deltas change."""
    return {key(block_of(delta.kind, delta.target_id)) for delta in deltas}


def increment_commands(deltas: Iterable[LoggedDelta]) -> list[Command]:
    """What adds committed deltas to the entries that are there; a command that fails is no matter to the others."""
    args: dict[Block, list[int]] = {}
    for delta in deltas:
        at = position(delta.kind, delta.target_id, delta.name)
        args.setdefault(block_of(delta.kind, delta.target_id), []).extend((at, delta.amount, delta.pk))
    return [_bump.command([key(block)], [layout_of(block[0]).prefix, *numbers]) for block, numbers in args.items()]


SOURCE = Blocks()
