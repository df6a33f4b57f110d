"""The SQL statements of all threads of the test process."""

import contextlib
from collections.abc import Iterator
from typing import Any
from unittest import mock

from django.db.backends.utils import CursorWrapper


class Statements(list[str]):
    def about(self, model: Any) -> int:
        """Return the number of statements that name the model's table."""
        return sum(model._meta.db_table in sql for sql in self)


@contextlib.contextmanager
def statements() -> Iterator[Statements]:
    """Yield a list that gets every statement while the block runs; executemany() is not recorded."""
    seen = Statements()
    execute = CursorWrapper.execute

    def recorded(self: Any, sql: Any, params: Any = None) -> Any:
        seen.append(str(sql))
        return execute(self, sql, params)

    with mock.patch.object(CursorWrapper, "execute", recorded):
        yield seen
