"""The compiled configs in the memory of this process.

The table is read again when a request finds another version in Redis, and every RELOAD_INTERVAL_S by a thread that runs
while requests come. So an edit arrives without Redis too, and so does a change by SQL.
"""

import logging
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from django.db import DatabaseError, connection, models
from django.utils import timezone

from popups import eviction, layouts, lost_events
from popups.config.compile import CompiledConfig, InvalidConfig, compile_config
from popups.keys import FIRST_LAYOUT, Layout
from popups.models import Pacing, Popup, ShardLayout

RELOAD_INTERVAL_S = 1.0
MAX_AGE_S = 2.0  # a request does not use configs that were compared with the table longer ago
MAX_AGE_WITHOUT_VERSION_S = 0.1  # the same, if Redis did not tell the version
IDLE_TIMEOUT_S = 10.0  # without requests, after which the thread ends
_UNREADABLE = (ValueError, TypeError, OverflowError)
logger = logging.getLogger(__name__)


class ConfigSnapshot(NamedTuple):
    """The configs of a moment, by placement and in the order of their rank.

    `layout`: the shards that users are divided among. `invalid`: {popup id: problem}. `capped_out`: ids of popups that
    are known to have reached their total cap; it is added to until an edit.
    """

    placements: Mapping[str, tuple[CompiledConfig, ...]]
    quiet_ms: int
    invalid: Mapping[int, str]
    capped_out: set[int]
    layout: Layout = FIRST_LAYOUT


class _ProcessCache:
    """The configs of one process; `rows` are the rows that they were compiled from."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.snapshot = ConfigSnapshot({}, 0, {}, set())
        self.compiled: dict[int, CompiledConfig] = {}
        self.rows: Any = None
        self.versions: dict[int, str] = {}  # by shard
        self.doubtful: set[int] = set()
        self.reloaded_at = self.used_at = float("-inf")
        self.thread: threading.Thread | None = None
        self.stopped = threading.Event()


_cache = _ProcessCache()


def reset() -> None:
    """Empty the cache and end the thread, as in a process that has just started; for tests."""
    global _cache
    _cache.stopped.set()
    _cache = _ProcessCache()
    layouts.use(FIRST_LAYOUT)


def cached(version: str | None, shard: int = 0) -> ConfigSnapshot | None:
    """Return the configs of a version as read in a shard, None if Redis could not be used. Never blocks.

    Returns None if the table must be read first: call current() where it may block.
    """
    cache, now = _cache, time.monotonic()
    cache.used_at = now
    return None if _is_outdated(cache, version, shard, now) else cache.snapshot


def current(version: str | None, shard: int = 0) -> ConfigSnapshot:
    """Return the configs of a version, by at most two SQL queries; raises DatabaseError if none was ever read."""
    if (snapshot := cached(version, shard)) is not None:
        return snapshot
    cache = _cache
    _start_thread(cache)
    with cache.lock:
        if _is_outdated(cache, version, shard, time.monotonic()):
            _reload(cache)
            _note_version(cache, version, shard)
    return cache.snapshot


def read_again() -> ConfigSnapshot:
    """Read the table now, and return what it says; raises DatabaseError if none was ever read."""
    with _cache.lock:
        _reload(_cache)
    return _cache.snapshot


def suppress_for_now(popup_id: int) -> None:
    """Take a popup as one that has reached its total cap until the table is next read, within about a second."""
    _cache.doubtful.add(popup_id)
    _cache.snapshot.capped_out.add(popup_id)


def _is_outdated(cache: _ProcessCache, version: str | None, shard: int, now: float) -> bool:
    age_s = now - cache.reloaded_at
    if version is not None and version != cache.versions.get(shard):
        return True
    return age_s > (MAX_AGE_WITHOUT_VERSION_S if version is None else MAX_AGE_S)


def _start_thread(cache: _ProcessCache) -> None:
    with cache.lock:
        if cache.thread is None or not cache.thread.is_alive():
            cache.thread = threading.Thread(target=_reload_periodically, args=(cache,), name="popups", daemon=True)
            cache.thread.start()


def _reload_periodically(cache: _ProcessCache) -> None:
    while not cache.stopped.wait(RELOAD_INTERVAL_S) and time.monotonic() - cache.used_at < IDLE_TIMEOUT_S:
        try:
            with cache.lock:
                _reload(cache)
            lost_events.save()
            eviction.look()
        except Exception:
            logger.exception("Popups: the periodic reload failed; it will be tried again.")
        finally:
            connection.close()  # otherwise this thread would keep a connection of its own


def _note_version(cache: _ProcessCache, version: str | None, shard: int) -> None:
    """Note which version the configs have been read at; if it is another one than before, totals may be, too."""
    if version == cache.versions.get(shard):
        return
    if version not in cache.versions.values():  # Redis may have lost totals, and events that counted towards a cap
        cache.snapshot = cache.snapshot._replace(capped_out=set())
    if version is None:
        cache.versions.clear()
    else:
        cache.versions[shard] = version


def _reload(cache: _ProcessCache) -> None:
    """Read the table again; if that fails, log it and keep the configs."""
    cache.reloaded_at = time.monotonic()
    cache.snapshot.capped_out.difference_update(cache.doubtful)
    cache.doubtful.clear()
    try:
        _compile_rows(cache)
    except DatabaseError as error:
        if cache.rows is None:
            raise
        logger.warning("Popups: the configs cannot be read, they stay what they were: %s", error)


def _compile_rows(cache: _ProcessCache) -> None:
    rows, (quiet_seconds, layout) = _rows(), _pacing_and_layout()
    if (rows, quiet_seconds, layout) == cache.rows:
        return
    compiled: dict[int, CompiledConfig] = {}
    invalid: dict[int, str] = {}
    for pk, row in rows.items():
        try:
            compiled[pk] = _compile_row(row)
        except InvalidConfig as error:
            invalid[pk] = str(error)
            if pk in cache.compiled:
                compiled[pk] = cache.compiled[pk]
    _log_new_problems(invalid, cache.snapshot.invalid, compiled)
    cache.compiled, cache.rows = compiled, (rows, quiet_seconds, layout)
    cache.snapshot = ConfigSnapshot(_by_placement(compiled.values()), quiet_seconds * 1000, invalid, set(), layout)
    if layout is not layouts.current():
        layouts.use(layout)
        cache.versions.clear()


def _pacing_and_layout() -> tuple[int, Layout]:
    """Return the quiet time in seconds and the layout in use, by one SQL query."""
    pacing = Pacing.objects.order_by().values_list(models.Value(0), "quiet_seconds", models.Value(0))
    opened = ShardLayout.objects.exclude(opened_at=None).order_by()
    found = [*pacing.union(opened.values_list(models.Value(1), "number", "shards"), all=True)]
    quiet_seconds = [seconds for kind, seconds, _ in found if kind == 0]
    return (quiet_seconds or [0])[0], layouts.newest([(number, shards) for kind, number, shards in found if kind == 1])


def _compile_row(row: Any) -> CompiledConfig:
    if isinstance(row, str):
        raise InvalidConfig(row)
    return compile_config(row)


def _rows() -> dict[int, Any]:
    """Return {id: row} of the popups that are active and not over; the problem instead of a row that is unreadable."""
    wanted = Popup.objects.filter(models.Q(ends_at=None) | models.Q(ends_at__gt=timezone.now()), is_active=True)
    columns = [field.attname for field in Popup._meta.concrete_fields]
    try:
        return {row.id: row for row in wanted.order_by("pk").values_list(*columns, named=True)}
    except _UNREADABLE:
        return {pk: _row(pk, columns) for pk in wanted.order_by("pk").values_list("pk", flat=True)}


def _row(pk: int, columns: list[str]) -> Any:
    try:
        return Popup.objects.values_list(*columns, named=True).get(pk=pk)
    except _UNREADABLE as error:
        return f"A column cannot be read: {error}"


def _log_new_problems(invalid: Mapping[int, str], before: Mapping[int, str], compiled: Mapping[int, Any]) -> None:
    for pk, problem in invalid.items():
        if before.get(pk) != problem:
            outcome = "it stays what it was before" if pk in compiled else "it is not shown"
            logger.error("Popup %s is broken, %s. %s", pk, outcome, problem)


def _by_placement(configs: Iterable[CompiledConfig]) -> dict[str, tuple[CompiledConfig, ...]]:
    placements: dict[str, tuple[CompiledConfig, ...]] = {}
    for config in ranked(configs):
        placements[config.placement] = (*placements.get(config.placement, ()), config)
    return placements


def ranked(configs: Iterable[CompiledConfig]) -> tuple[CompiledConfig, ...]:
    """Return configs by descending priority, then by ascending id."""
    return tuple(sorted(configs, key=lambda config: (-config.priority, config.id)))
