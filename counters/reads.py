"""Reads of counters through the cache, in the caller's Redis round trip.

The values of a target are a read-only struct with an attribute for each counter, which msgspec writes as a JSON object.
A target without rows has zeros. No value is negative, even if a counter drifted.
"""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import msgspec
from msgspec import Raw

from caching.api import Batch
from caching.extend import Result
from counters import blocks, registry
from counters.blocks import TARGETS_PER_BLOCK, Block, Content


class Counts:
    """All counters of some targets: {"user:7": values, …} in the order requested, each target once."""

    def __init__(self, batch: Batch, targets: Iterable[str]) -> None:
        ids: dict[str, list[int]] = {}
        self._places: list[tuple[str, str, int]] = []
        for target in targets:
            kind, _, text = target.partition(":")
            target_id = int(text)
            ids.setdefault(kind, []).append(target_id)
            self._places.append((target, kind, target_id))
        self._of_kind = {kind: request_counts_of(batch, kind, those) for kind, those in ids.items()}

    @cached_property
    def result(self) -> dict[str, Any]:
        """The values by target, as structs."""
        found = {kind: counts.result for kind, counts in self._of_kind.items()}
        return {target: found[kind][target_id] for target, kind, target_id in self._places}

    @property
    def texts(self) -> dict[str, Raw]:
        """The values by target, as JSON."""
        found = {kind: counts.texts for kind, counts in self._of_kind.items()}
        return {target: found[kind][target_id] for target, kind, target_id in self._places}


class CountsOfKind(Result[dict[int, Any]]):
    """All counters of some targets of one kind: {7: values, …} in the order requested, each target once."""

    def __init__(self, kind: str, ids: Iterable[int]) -> None:
        self.source, self._ids = blocks.SOURCE, list(ids)
        registry.names_of(kind)
        prefix = blocks.key_prefix(kind)
        self.prefix, self._kind = prefix, kind
        self.ids = [*dict.fromkeys([target_id // TARGETS_PER_BLOCK for target_id in self._ids])]

    @cached_property
    def identities(self) -> dict[str, Block]:
        return {f"{self.prefix}{number}": (self._kind, number) for number in self.ids}

    def resolve(self, values: Sequence[Any]) -> None:
        self._contents: dict[int, Content] = dict(zip(self.ids, values, strict=True))

    @cached_property
    def result(self) -> dict[int, Any]:  # type: ignore[override]
        """The values by id, as structs."""
        contents, each = self._contents, TARGETS_PER_BLOCK
        if len(self._ids) == 1:  # of a write, mostly: nobody has read this content before
            return {target_id: contents[target_id // each].values_at(target_id % each) for target_id in self._ids}
        return {target_id: contents[target_id // each].values[target_id % each] for target_id in self._ids}

    @property
    def texts(self) -> dict[int, Raw]:
        """The values by id, as JSON."""
        contents, each = self._contents, TARGETS_PER_BLOCK
        return {target_id: contents[target_id // each].texts[target_id % each] for target_id in self._ids}


def request_counts(batch: Batch, targets: Iterable[str]) -> Counts:
    """Add the request for all counters of targets ("user:7") to a batch that has not run yet.

    Any number of targets, of several kinds, takes one command, and one SQL query for values that are not cached. A
    cached value may lack the changes of the last second, and always lacks changes that the caller's own transaction has
    not committed yet. Raises UnknownKind, and ValueError for a text that is not "kind:id".
    """
    return Counts(batch, targets)


def request_counts_of(batch: Batch, kind: str, ids: Iterable[int]) -> CountsOfKind:
    """Do as request_counts() for targets of one kind; raises UnknownKind."""
    return batch.add(CountsOfKind(kind, ids))


def counts_of(kind: str, ids: Iterable[int]) -> dict[int, dict[str, int]]:
    """Return {id: {name: value}} of targets of one kind, in a round trip of its own; raises UnknownKind."""
    batch = Batch()
    counts = request_counts_of(batch, kind, ids)
    batch.run()
    return {target_id: msgspec.structs.asdict(values) for target_id, values in counts.result.items()}
