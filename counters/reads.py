"""Reading counters: through the cache, in the caller's own Redis round trip."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

from caching.api import Batch
from caching.extend import Result
from counters import blocks, registry
from counters.blocks import NEIGHBOURS, Block


class Counts(Result[dict[str, dict[str, int]]]):
    """Counters asked of a batch; `result` is readable once the batch has run."""

    def __init__(self, targets: Iterable[str]) -> None:
        self.source = blocks.SOURCE
        identities: dict[str, Block] = {}
        places: list[tuple[str, str, tuple[str, ...], int, int]] = []
        kind: str | None = None
        stem: str = ""
        names: tuple[str, ...] = ()
        # Each target of each request comes through here, and through `result`: no calls of our own.
        for target in targets:
            asked, _, text = target.partition(":")
            if asked != kind:
                kind, stem, names = asked, blocks.key_prefix(asked), registry.names_of(asked)
                width = len(names)
            target_id = int(text)
            number = target_id // NEIGHBOURS
            key = f"{stem}{number}"
            identities[key] = (kind, number)
            first = 1 + target_id % NEIGHBOURS * width  # behind the mark
            places.append((target, key, names, first, first + width))
        self.identities, self._places = identities, places
        self._values: dict[str, list[int]] = {}

    def resolve(self, values: Sequence[Any]) -> None:
        self._values = dict(zip(self.identities, values, strict=True))

    @cached_property
    def result(self) -> dict[str, dict[str, int]]:  # type: ignore[override]
        """{"user:7": {"followers": 1, …}} in the order asked, each target once; one without rows has zeros, and none
        is negative, whatever drifted."""
        values, found = self._values, {}
        for target, key, names, first, end in self._places:
            numbers = values[key][first:end]
            if min(numbers) < 0:
                numbers = [max(0, number) for number in numbers]
            found[target] = dict(zip(names, numbers))  # noqa: B905  to be strict takes half as long again
        return found


def request_counts(batch: Batch, targets: Iterable[str]) -> Counts:
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
    counts = request_counts(batch, targets.values())
    batch.run()
    found = counts.result
    return {id_: found[target] for id_, target in targets.items()}
