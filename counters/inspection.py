"""What operators see of counters: the cached numbers of a target, those in the tables, and what the rows say."""

import random
from collections.abc import Iterator, Sequence

from django.core.exceptions import ValidationError

from caching.operate import Kind, Plain, Question
from counters import blocks, reconcile, registry
from counters.models import Counter


class CounterKind(Kind):
    """The counters of one kind of target, in entries that each hold those of several targets."""

    def __init__(self, target: str) -> None:
        super().__init__(f"counters of {target}", ("id",))
        self.target = target

    def question(self, *texts: str) -> Question:
        target_id = self._id(texts[0])
        return Question(TargetSource(target_id), blocks.block_of(self.target, target_id))

    def texts_of(self, key_end: str) -> list[str]:
        """Return the id of one of the targets of a block, picked at random."""
        first = int(key_end) * blocks.TARGETS_PER_BLOCK
        return [str(first + random.randrange(blocks.TARGETS_PER_BLOCK))]

    def prefixes(self) -> list[str]:
        return [blocks.key_prefix(self.target)]

    def plain(self, question: Question, value: Sequence[int] | None) -> Plain:
        target_id = question.source.target_id
        names = registry.names_of(self.target)
        return {name: value[1 + blocks.position(self.target, target_id, name)] for name in names} if value else {}

    def _id(self, text: str) -> int:
        if not text.isdecimal() or not 0 < int(text) < 1 << 63:
            raise ValidationError(f"{text!r} is no id.")
        return int(text)


class TargetSource(blocks.BlockSource):
    """The source of blocks, asked for the sake of one target."""

    def __init__(self, target_id: int) -> None:
        super().__init__()
        self.target_id = target_id


def counter_kinds() -> Iterator[CounterKind]:
    """Yield the kinds of targets that have counters."""
    return map(CounterKind, registry.kinds())


def counted(kind: str, target_id: int) -> dict[str, int]:
    """Return what the rows say of those counters of a target that drifted, by name."""
    return {drift.name: drift.truth for drift in reconcile.run_one(kind, target_id, mend=False).drifts}


def last_target(kind: str) -> int:
    """Return the greatest id of a target that has counters; 0 if there is none."""
    newest = Counter.objects.filter(kind=kind).order_by("-target_id").values_list("target_id", flat=True)
    return newest.first() or 0
