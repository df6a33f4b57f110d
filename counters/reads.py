"""Reading counters: through the cache, in the caller's own Redis round trip."""

from collections.abc import Iterable
from typing import Any

from caching import Batch

from . import blocks
from .blocks import Block
from .registry import counters_of


class Counts:
    """Counters asked of a batch; `result` is readable once the batch has run."""

    source = blocks.SOURCE

    def __init__(self, targets: Iterable[str]) -> None:
        self._targets = {target: _parsed(target) for target in targets}
        wanted = (blocks.block_of(*parsed) for parsed in self._targets.values())
        self.idents: dict[str, Block] = {blocks.key(block): block for block in wanted}
        self._values: dict[str, list[int]] = {}

    def resolve(self, values: dict[str, Any]) -> None:
        self._values = values

    @property
    def result(self) -> dict[str, dict[str, int]]:
        """{"user:7": {"followers": 1, …}} in the order asked, each target once; one without rows has zeros."""
        return {target: self._of(*parsed) for target, parsed in self._targets.items()}

    def _of(self, kind: str, target_id: int) -> dict[str, int]:
        block = blocks.block_of(kind, target_id)
        return dict(blocks.content_by_name(block, self._values[blocks.key(block)], target_id))


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


def _parsed(target: str) -> tuple[str, int]:
    kind, _, text = target.partition(":")
    counters_of(kind)
    return kind, int(text)
