"""Readers that hold what they are served against the database."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from caching.entries.rows import rows_of
from caching.reading.batch import Batch
from tests.caching.threads import elsewhere

UNKNOWN = 10**9


class Readers:
    """They ask again for every key that they have ever heard of, so that "no such row" is checked as well."""

    def __init__(self, *models: Any) -> None:
        self.known: dict[Any, set[Any]] = defaultdict(set)
        for model in models:
            self.expect(model, [UNKNOWN])

    def expect(self, model: Any, pks: Iterable[Any]) -> None:
        self.known[model].update(pks)

    def see_what_is_stored(self) -> bool:
        """Once as another thread does, which may fill, and once here, which may hit."""
        for model, known in self.known.items():
            columns = rows_of(model).codec.columns
            stored = {row["pk"]: row for row in model.objects.values("pk", *columns)}
            known.update(stored)
            asked = sorted(known)
            expected = [{name: stored[pk][name] for name in columns} for pk in asked if pk in stored]

            def read(model: Any = model, asked: Any = asked) -> Any:
                return model.objects.get_some_cols(asked)

            for found in (elsewhere(read), read()):
                assert found.results == expected
                assert found.missing == sorted(known - set(stored))
        return True


def check(id_set: Any, owner: Any, ids: Iterable[int]) -> dict[int, bool]:
    """{id: whether the owner has it}, in the order asked."""
    batch = Batch()
    membership = batch.add(id_set.among(owner, ids))
    batch.run()
    return membership.result
