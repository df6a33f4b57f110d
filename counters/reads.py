"""Reads of counters through the cache, in the caller's Redis round trip.

The values of a target are a read-only struct with an attribute for each counter, which msgspec writes as a JSON object.
A target without rows has zeros. No value is negative, even if a counter drifted.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

import msgspec

from caching.api import Batch
from caching.extend import Result
from counters import blocks, registry
from counters.blocks import TARGETS_PER_BLOCK, Block


class Counts(Result[dict[str, Any]]):
    """All counters of some targets: {"user:7": values, …} in the order requested, each target once."""

    def __init__(self, targets: Iterable[str]) -> None:
        self.source = blocks.SOURCE
        identities: dict[str, Block] = {}
        slices: list[tuple[str, str, Callable[..., Any], int, int]] = []
        kind: str | None = None
        prefix: str = ""
        # This loop and that of `resolve` run for each target of each request, so they call no functions of the project.
        for target in targets:
            target_kind, _, text = target.partition(":")
            if target_kind != kind:
                kind = target_kind
                names = registry.names_of(kind)
                prefix, values_of, width = blocks.key_prefix(kind), struct_of(names), len(names)
            target_id = int(text)
            number = target_id // TARGETS_PER_BLOCK
            key = f"{prefix}{number}"
            identities[key] = (kind, number)
            first = 1 + target_id % TARGETS_PER_BLOCK * width  # after the watermark
            slices.append((target, key, values_of, first, first + width))
        self.identities, self._slices = identities, slices

    def resolve(self, values: Sequence[Any]) -> None:
        by_key, found = dict(zip(self.identities, values, strict=True)), {}
        for target, key, values_of, first, end in self._slices:
            numbers = by_key[key][first:end]
            if min(numbers) < 0:
                numbers = [max(0, number) for number in numbers]
            found[target] = values_of(*numbers)
        self.result = found


class CountsOfKind(Result[dict[int, Any]]):
    """All counters of some targets of one kind: {7: values, …} in the order requested, each target once."""

    def __init__(self, kind: str, ids: Iterable[int]) -> None:
        self.source, self._ids = blocks.SOURCE, list(ids)
        names, prefix = registry.names_of(kind), blocks.key_prefix(kind)
        self._values_of, self._width = struct_of(names), len(names)
        numbers = [target_id // TARGETS_PER_BLOCK for target_id in self._ids]
        self.identities = {f"{prefix}{number}": (kind, number) for number in numbers}

    def resolve(self, values: Sequence[Any]) -> None:
        by_number = {number: content for (_, number), content in zip(self.identities.values(), values, strict=True)}
        values_of, width, found = self._values_of, self._width, {}
        for target_id in self._ids:
            first = 1 + target_id % TARGETS_PER_BLOCK * width  # after the watermark
            numbers = by_number[target_id // TARGETS_PER_BLOCK][first : first + width]
            if min(numbers) < 0:
                numbers = [max(0, number) for number in numbers]
            found[target_id] = values_of(*numbers)
        self.result = found


@cache
def struct_of(names: tuple[str, ...]) -> Callable[..., Any]:
    """Return the type of the values of a target whose counters have these names."""
    return msgspec.defstruct("Values", [(name, int) for name in names], frozen=True, gc=False)


def request_counts(batch: Batch, targets: Iterable[str]) -> Counts:
    """Add the request for all counters of targets ("user:7") to a batch that has not run yet.

    Any number of targets, of several kinds, takes one command, and one SQL query for values that are not cached. A
    cached value may lack the changes of the last second, and always lacks changes that the caller's own transaction has
    not committed yet. Raises UnknownKind, and ValueError for a text that is not "kind:id".
    """
    return batch.add(Counts(targets))


def request_counts_of(batch: Batch, kind: str, ids: Iterable[int]) -> CountsOfKind:
    """Do as request_counts() for targets of one kind, at two thirds of its cost; raises UnknownKind."""
    return batch.add(CountsOfKind(kind, ids))


def counts_of(kind: str, ids: Iterable[int]) -> dict[int, dict[str, int]]:
    """Return {id: {name: value}} of targets of one kind, in a round trip of its own; raises UnknownKind."""
    batch = Batch()
    counts = request_counts_of(batch, kind, ids)
    batch.run()
    return {target_id: msgspec.structs.asdict(values) for target_id, values in counts.result.items()}
