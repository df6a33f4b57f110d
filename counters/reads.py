"""Reading counters: through the cache, in the caller's own Redis round trip."""

from collections.abc import Iterable
from typing import Any

from caching import Batch

from . import blocks, registry
from .blocks import Block


class Counts:
    """Counters asked of a batch; `result` is readable once the batch has run."""

    source = blocks.SOURCE

    def __init__(self, targets: Iterable[str]) -> None:
        self.idents: dict[str, Block] = {}
        self._places: dict[str, tuple[str, tuple[str, ...], int]] = {}
        keys: dict[tuple[str, int], tuple[str, tuple[str, ...]]] = {}
        for target in targets:
            kind, _, text = target.partition(":")
            target_id = int(text)
            at = kind, target_id // blocks.NEIGHBOURS
            if at not in keys:
                keys[at] = self._want(Block(*at))
            key, names = keys[at]
            self._places[target] = key, names, blocks.start(names, target_id)
        self._values: dict[str, list[int]] = {}

    def _want(self, block: Block) -> tuple[str, tuple[str, ...]]:
        """Its key, and the names of its counters."""
        names, key = registry.names_of(block.kind), blocks.key(block)
        self.idents[key] = block
        return key, names

    def resolve(self, values: dict[str, Any]) -> None:
        self._values = values

    @property
    def result(self) -> dict[str, dict[str, int]]:
        """{"user:7": {"followers": 1, …}} in the order asked, each target once; one without rows has zeros."""
        values, by_name = self._values, blocks.by_name
        return {target: by_name(names, first, values[key]) for target, (key, names, first) in self._places.items()}


def ask(batch: Batch, targets: Iterable[str]) -> Counts:
    """Ask for all counters of targets ("user:7") in a batch that is about to run.

    Any number of targets, of several kinds, is one command; what is not cached is one SQL query. A cached value may
    lack the last second's changes, and always lacks what the caller's own transaction has not committed yet.
    Raises UnknownKind, and ValueError for what is no "kind:id".
    """
    counts = Counts(targets)
    batch.add(counts)
    return counts


def counts_of(kind: str, ids: Iterable[int]) -> dict[int, dict[str, int]]:
    """{id: {name: value}} of one kind, in a round trip of its own; raises UnknownKind."""
    targets = {id_: f"{kind}:{id_}" for id_ in ids}
    batch = Batch()
    counts = ask(batch, targets.values())
    batch.run()
    found = counts.result
    return {id_: found[target] for id_, target in targets.items()}
