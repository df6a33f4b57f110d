"""Readers that compare what the cache serves with the rows in the database."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from caching.entries.rows import rows_of
from tests.support.threads import in_another_thread

UNKNOWN = 10**9


class Readers:
    """Read every key that was ever expected or stored, so that absent rows are checked as well."""

    def __init__(self, *models: Any) -> None:
        self.known: dict[Any, set[Any]] = defaultdict(set)
        for model in models:
            self.expect(model, [UNKNOWN])

    def expect(self, model: Any, pks: Iterable[Any]) -> None:
        self.known[model].update(pks)

    def see_what_is_stored(self) -> bool:
        """Assert that reads in another thread (may fill) and in this one (may hit) equal the database. Return True."""
        for model, known in self.known.items():
            columns = rows_of(model).codec.columns
            stored = {row["pk"]: row for row in model.objects.values("pk", *columns)}
            known.update(stored)
            asked = sorted(known)
            expected = [{name: stored[pk][name] for name in columns} for pk in asked if pk in stored]

            def read(model: Any = model, asked: Any = asked) -> Any:
                return model.objects.get_some_cols(asked)

            for found in (in_another_thread(read), read()):
                assert found.results == expected
                assert found.missing == sorted(known - set(stored))
        return True
