"""Warm-up: fill entries ahead of their readers, under leases like every other fill, so that no write is overtaken.

Keys that already carry a value, a lease or a hold are left alone. Work is cut into chunks of primary keys, newest
first; the last pk up to which all is done is kept in Redis, and an interrupted run goes on from there.
"""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from datetime import datetime
from typing import Any

from django.core.exceptions import FieldError

from ..cacheable import Cacheable, all_rows
from ..conf import conf
from ..entries.rows import rows_of
from ..entries.source import encode
from ..protocol import steps
from ..redis.client import redis_client
from ..redis.epochs import epochs

CHUNK = 500
RESUME_S = 3_600


class Warming:
    """The warm-up of one model: `total` rows in all, of which `done` are passed."""

    def __init__(
        self, model: type[Cacheable], *, limit: int | None = None, since: datetime | None = None, name: str = ""
    ) -> None:
        """`limit`: the greatest number of rows, newest first; `since`: the age limit by the Cached(since=…) column;
        `name`: names the limit in the cursor by which an interrupted run is resumed.

        Raises FieldError if the model declares no such column.
        """
        if since and not model.cached.since:
            raise FieldError(f"{model._meta.label} declares no Cached(since=…) column: it cannot be warmed by --since.")
        self.model = model
        self._source = rows_of(model)
        rows = all_rows(model, self._source.using)
        self._rows = rows.filter(**{f"{model.cached.since}__gte": since}) if since else rows.all()
        self.total = (self._rows if limit is None else self._rows[:limit]).count()
        self._cursor_key = f"{self._source.key_prefix()}warm:{limit}:{name or since}"
        self.done, self._last_pk = self._resume()

    def run(self, pool: Executor | None = None, *, workers: int = 1) -> Iterator[tuple[int, int]]:
        """Yield (rows passed, entries filled) for each chunk, in order; `pool` runs chunks in other processes.

        Raises FieldError for processes that cannot know the tenant, where PREFIX is a function.
        """
        if pool is not None and callable(conf().prefix):
            raise FieldError("Where PREFIX is a function, the cache is warmed by one process (--workers 1).")
        of = (self.model._meta.label, self._source.using)
        for chunk, filled in _in_order(pool, workers, self._chunks(), of):
            self.done += len(chunk)
            self._last_pk = chunk[-1]
            redis_client().set(self._cursor_key, f"{self.done} {self._last_pk}", ex=RESUME_S)
            yield len(chunk), filled
        redis_client().delete(self._cursor_key)

    def _resume(self) -> tuple[int, Any]:
        cursor = redis_client().get(self._cursor_key)
        if cursor is None:
            return 0, None
        done, _, last_pk = cursor.decode().partition(" ")
        return int(done), self.model._meta.pk.to_python(last_pk)

    def _chunks(self) -> Iterator[list[Any]]:
        last_pk, left = self._last_pk, self.total - self.done
        while left > 0:
            rows = self._rows if last_pk is None else self._rows.filter(pk__lt=last_pk)
            chunk = list(rows.order_by("-pk").values_list("pk", flat=True)[: min(CHUNK, left)])
            if not chunk:
                return
            yield chunk
            last_pk, left = chunk[-1], left - len(chunk)


def warm_chunk(label: str, using: str, pks: list[Any]) -> int:
    """Fill the absent entries of these rows of a database; return how many. Raises Unavailable."""
    from django.apps import apps

    model: Any = apps.get_model(label)
    source = rows_of(model, using)
    keys = source.by_key(pks)
    token, since = steps.new_token(), epochs.version
    taken = [key for key, entry in steps.lease(dict.fromkeys(keys), token).items() if entry is None]
    try:
        rows = source.load([keys[key] for key in taken]) if taken else {}
        entries = {key: encode(source, key, keys[key], rows.get(keys[key])) for key in taken}
    except BaseException:
        steps.release(taken, token)
        raise
    return len(taken) - len(steps.fill(entries, token, since=since))


def _in_order(
    pool: Executor | None, workers: int, chunks: Iterator[list[Any]], of: tuple[str, str]
) -> Iterator[tuple[list[Any], int]]:
    """Warm chunks, at most two per worker at a time, and yield them in their order."""
    if pool is None:
        yield from ((chunk, warm_chunk(*of, chunk)) for chunk in chunks)
        return
    under_way: deque[tuple[list[Any], Future[int]]] = deque()
    for chunk in chunks:
        under_way.append((chunk, pool.submit(warm_chunk, *of, chunk)))
        if len(under_way) >= 2 * workers:
            done, future = under_way.popleft()
            yield done, future.result()
    for done, future in under_way:
        yield done, future.result()
