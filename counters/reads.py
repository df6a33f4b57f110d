"""Reads of counters through the cache, in the caller's Redis round trip."""

from collections.abc import Iterable, Sequence
from typing import Any

from caching.api import Batch
from caching.extend import Result
from counters import blocks, registry
from counters.blocks import TARGETS_PER_BLOCK, Block


class Counts(Result[dict[str, dict[str, int]]]):
    """All counters of some targets: {"user:7": {"followers": 1, …}} in the order requested, each target once.

    A target without rows has zeros. No value is negative, even if a counter drifted.
    """

    def __init__(self, targets: Iterable[str]) -> None:
        self.source = blocks.SOURCE
        identities: dict[str, Block] = {}
        slices: list[tuple[str, str, tuple[str, ...], int, int]] = []
        kind: str | None = None
        prefix: str = ""
        names: tuple[str, ...] = ()
        # This loop and that of `resolve` run for each target of each request, so they call no functions of the project.
        for target in targets:
            target_kind, _, text = target.partition(":")
            if target_kind != kind:
                kind = target_kind
                prefix, names = blocks.key_prefix(kind), registry.names_of(kind)
                width = len(names)
            target_id = int(text)
            number = target_id // TARGETS_PER_BLOCK
            key = f"{prefix}{number}"
            identities[key] = (kind, number)
            first = 1 + target_id % TARGETS_PER_BLOCK * width  # after the watermark
            slices.append((target, key, names, first, first + width))
        self.identities, self._slices = identities, slices

    def resolve(self, values: Sequence[Any]) -> None:
        by_key, found = dict(zip(self.identities, values, strict=True)), {}
        for target, key, names, first, end in self._slices:
            numbers = by_key[key][first:end]
            if min(numbers) < 0:
                numbers = [max(0, number) for number in numbers]
            found[target] = dict(zip(names, numbers))  # noqa: B905  `strict` would add half of the time
        self.result = found


def request_counts(batch: Batch, targets: Iterable[str]) -> Counts:
    """Add the request for all counters of targets ("user:7") to a batch that has not run yet.

    Any number of targets, of several kinds, takes one command, and one SQL query for values that are not cached. A
    cached value may lack the changes of the last second, and always lacks changes that the caller's own transaction has
    not committed yet. Raises UnknownKind, and ValueError for a text that is not "kind:id".
    """
    counts = Counts(targets)
    batch.add(counts)
    return counts


def counts_of(kind: str, ids: Iterable[int]) -> dict[int, dict[str, int]]:
    """Return {id: {name: value}} of targets of one kind, in a round trip of its own; raises UnknownKind."""
    targets = {id_: f"{kind}:{id_}" for id_ in ids}
    batch = Batch()
    counts = request_counts(batch, targets.values())
    batch.run()
    found = counts.result
    return {id_: found[target] for id_, target in targets.items()}
