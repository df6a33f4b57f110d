"""Actions of a test's own put between two steps of the framework: the code is real, only its timing is chosen."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

from django.db.backends.utils import CursorWrapper

from caching.entries.lookup import Lookup
from caching.entries.rows import rows_of
from caching.redis.client import redis_client


@contextlib.contextmanager
def once(
    owner: Any, name: str, *, before: Callable[[], Any] | None = None, after: Callable[[], Any] | None = None
) -> Iterator[list[Any]]:
    """Run an action before or after the first call of `owner.name`; the list gets what the action returned."""
    original = getattr(owner, name)
    actions = [(before, after)]
    results: list[Any] = []

    def call(*args: Any, **options: Any) -> Any:
        first, second = actions.pop() if actions else (None, None)
        if first:
            results.append(first())
        answer = original(*args, **options)
        if second:
            results.append(second())
        return answer

    with mock.patch.object(owner, name, call):
        yield results
    assert not actions, f"{name} was not called"


class Statements(list[str]):
    def about(self, model: Any) -> int:
        """How many name this model's table."""
        return sum(model._meta.db_table in sql for sql in self)


@contextlib.contextmanager
def statements() -> Iterator[Statements]:
    """The SQL of all threads."""
    seen = Statements()
    execute = CursorWrapper.execute

    def recorded(self: Any, sql: Any, params: Any = None) -> Any:
        seen.append(str(sql))
        return execute(self, sql, params)

    with mock.patch.object(CursorWrapper, "execute", recorded):
        yield seen


def entry(row: Any) -> bytes | None:
    """What stands in Redis for a row, bytes or None."""
    return redis_client().get(rows_of(type(row)).key(row.pk))


def expire(row: Any) -> int:
    """Let a row's entry come to its end now; returns the ms that it had left."""
    key = rows_of(type(row)).key(row.pk)
    left_ms: int = redis_client().pttl(key)
    redis_client().pexpire(key, 1)
    while redis_client().exists(key):
        pass
    return left_ms


def state(row: Any) -> str:
    return state_of(entry(row))


def lookup_state(model: Any, column: str, value: Any) -> str:
    return state_of(redis_client().get(Lookup(model, column).key(value)))


def state_of(entry: bytes | None) -> str:
    """In the words of the protocol."""
    names = {b"V": "value", b"N": "nothing", b"L": "lease", b"H": "hold"}
    return names[entry[:1]] if entry else "absent"
