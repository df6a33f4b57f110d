"""The configs in this process' memory.

They are read again when an entry sees another version in Redis, and every LOOK_S by a thread that runs while entries
come: so edits arrive without Redis too, and so does what somebody changed by SQL.
"""

import logging
import threading
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from django.db import DatabaseError, connection, models
from django.utils import timezone

from popups import lost_events
from popups.config.compile import Config, InvalidConfig, compile_config
from popups.delivery.decision import ranked
from popups.models import Pacing, Popup

LOOK_S = 1.0
OLD_S = 2.0  # an entry does not answer by what nobody has looked at for so long
PAUSE_S = 0.1  # while Redis does not tell the version
IDLE_S = 10.0  # without entries, after which the thread ends
logger = logging.getLogger(__name__)


class ConfigSnapshot(NamedTuple):
    """`spent` gathers the popups that are known to have reached their cap in total, until something is edited."""

    placements: Mapping[str, tuple[Config, ...]]
    quiet_ms: int
    broken: Mapping[int, str]
    spent: set[int]


class _Memory:
    """One process' configs. `rows` are what they were compiled from."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.live = ConfigSnapshot({}, 0, {}, set())
        self.good: dict[int, Config] = {}
        self.rows: Any = None
        self.version: str | None = None
        self.looked_at = self.asked_at = float("-inf")
        self.thread: threading.Thread | None = None
        self.forgotten = threading.Event()


_memory = _Memory()


def forget() -> None:
    """For tests: as in a process that has just started. The thread ends."""
    global _memory
    _memory.forgotten.set()
    _memory = _Memory()


def cached(version: str | None) -> ConfigSnapshot | None:
    """The configs of a version as it was read in Redis, None if Redis did not tell; no answer if the table has to be
    looked at first."""
    memory, now = _memory, time.monotonic()
    memory.asked_at = now
    return None if _is_old(memory, version, now) else memory.live


def current(version: str | None) -> ConfigSnapshot:
    """The same, at the price of two SQL queries where it has to be; raises DatabaseError if no config was ever read."""
    live = cached(version)
    if live is not None:
        return live
    memory = _memory
    _start(memory)
    with memory.lock:
        if _is_old(memory, version, time.monotonic()):
            _look_or_complain(memory, version)
    return memory.live


def _is_old(memory: _Memory, version: str | None, now: float) -> bool:
    age_s = now - memory.looked_at
    if version is not None and version != memory.version:
        return True
    return age_s > (PAUSE_S if version is None else OLD_S)


def _start(memory: _Memory) -> None:
    with memory.lock:
        if memory.thread is None or not memory.thread.is_alive():
            memory.thread = threading.Thread(target=_keep, args=(memory,), name="popups", daemon=True)
            memory.thread.start()


def _keep(memory: _Memory) -> None:
    while not memory.forgotten.wait(LOOK_S) and time.monotonic() - memory.asked_at < IDLE_S:
        try:
            with memory.lock:
                _look_or_complain(memory, memory.version)
            lost_events.save()
        except Exception:
            logger.exception("Popups: what the thread does each second failed; it goes on.")
        finally:
            connection.close()  # a thread of its own, so it would be a connection more


def _look_or_complain(memory: _Memory, version: str | None) -> None:
    """Without the database the configs stay what they were."""
    memory.looked_at = time.monotonic()
    try:
        _look(memory)
    except DatabaseError as error:
        if memory.rows is None:
            raise
        logger.warning("Popups: the configs cannot be read, they stay what they were: %s", error)
        return
    if version != memory.version:  # Redis may have lost the totals, and events that made a cap be reached
        memory.live = memory.live._replace(spent=set())
    memory.version = version


def _look(memory: _Memory) -> None:
    rows, quiet_seconds = _rows(), Pacing.objects.values_list("quiet_seconds", flat=True).first() or 0
    if (rows, quiet_seconds) == memory.rows:
        return
    good: dict[int, Config] = {}
    broken: dict[int, str] = {}
    for pk, row in rows.items():
        try:
            good[pk] = _compiled(row)
        except InvalidConfig as error:
            broken[pk] = str(error)
            if pk in memory.good:
                good[pk] = memory.good[pk]
    _complain(broken, memory.live.broken, good)
    memory.good, memory.rows = good, (rows, quiet_seconds)
    memory.live = ConfigSnapshot(_by_placement(good), quiet_seconds * 1000, broken, set())


def _compiled(row: Any) -> Config:
    if isinstance(row, str):
        raise InvalidConfig(row)
    return compile_config(row)


def _rows() -> dict[int, Any]:
    """Of all popups that are active and not over; a sentence in place of a row that cannot even be read."""
    wanted = Popup.objects.filter(models.Q(ends_at=None) | models.Q(ends_at__gt=timezone.now()), is_active=True)
    columns = [field.attname for field in Popup._meta.concrete_fields]
    try:
        return {row.id: row for row in wanted.order_by("pk").values_list(*columns, named=True)}
    except (ValueError, TypeError, OverflowError):
        return {pk: _row(pk, columns) for pk in wanted.order_by("pk").values_list("pk", flat=True)}


def _row(pk: int, columns: list[str]) -> Any:
    try:
        return Popup.objects.values_list(*columns, named=True).get(pk=pk)
    except (ValueError, TypeError, OverflowError) as error:
        return f"A column cannot be read: {error}"


def _complain(broken: Mapping[int, str], before: Mapping[int, str], good: Mapping[int, Config]) -> None:
    for pk, problem in broken.items():
        if before.get(pk) != problem:
            kept = "it stays what it was before" if pk in good else "it is not shown"
            logger.error("Popup %s is broken, %s. %s", pk, kept, problem)


def _by_placement(good: Mapping[int, Config]) -> dict[str, tuple[Config, ...]]:
    placements: dict[str, list[Config]] = {}
    for config in good.values():
        placements.setdefault(config.placement, []).append(config)
    return {placement: ranked(configs) for placement, configs in placements.items()}
