"""The numbers of each process of a host, in files of one folder, so that any of them can tell those of all.

A process writes its file every second. It holds a lock on another file beside it for as long as it lives, so that the
others know when it has ended, by whatever death, also in containers that share the folder. Then its counters are added
to those of the file `ended`, once, and its gauges are forgotten. What a killed process counted within its last second
is lost.
"""

import atexit
import fcntl
import logging
import os
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from django.conf import settings

from metrics.families import PROCESS_FAMILIES

INTERVAL_S = 1.0
GAUGES = {family.name for family in PROCESS_FAMILIES if family.kind == "gauge"}
Rows = list[tuple[tuple[Any, ...], Any]]
Totals = dict[str, dict[tuple[Any, ...], Any]]


class Snapshot(msgspec.Struct):
    """The numbers by family. `merged`, of `ended`: the processes whose files may be there still."""

    families: dict[str, Rows]
    merged: list[str] = []


log = logging.getLogger(__name__)
_decode = msgspec.json.Decoder(Snapshot).decode
_writing = threading.Lock()
_started_in = 0


def start() -> None:
    """Begin to write the numbers of this process every second; once in each process, again after a fork."""
    global _started_in, _writing
    if _started_in != os.getpid():
        _started_in, _writing = os.getpid(), threading.Lock()
        if _lock_file.cache_info().currsize:
            os.close(_lock_file())  # that of the process that this one was forked from
            _lock_file.cache_clear()
            _name.cache_clear()
        atexit.register(write)
        threading.Thread(target=_write_for_ever, name="metrics", daemon=True).start()


def write() -> None:
    """Write the numbers of this process; a folder that cannot be written to is logged."""
    try:
        with _writing:
            _lock_file()
            _replace(_own("json"), Snapshot({family.name: _rows(family.read) for family in PROCESS_FAMILIES}))
    except OSError as error:
        log.warning("Metrics cannot be kept in %s: %s", settings.METRICS_DIR, error)


def read_all() -> Totals:
    """Return {family: {labels: sum of all processes}}."""
    write()
    try:
        with _exclusive(_folder() / "lock"):
            living = _merge_ended()
            return _sum([_read(_folder() / "ended"), *living])
    except OSError as error:
        log.warning("Metrics cannot be read in %s: %s", settings.METRICS_DIR, error)
        return {}


def _rows(read: Any) -> Rows:
    return [(tuple(labels), numbers) for labels, numbers in read().items()]


def _write_for_ever() -> None:
    while True:
        write()
        time.sleep(INTERVAL_S)


@cache
def _folder() -> Path:
    folder: Path = settings.METRICS_DIR
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@cache
def _name() -> str:
    """Return a name that no other process has: in a container that starts again, the same number is given anew."""
    return f"{socket.gethostname()}-{time.time_ns()}-{os.getpid()}"


def _own(suffix: str) -> Path:
    return _folder() / f"{_name()}.{suffix}"


@cache
def _lock_file() -> int:
    """Return the descriptor of the file whose lock tells others that this process lives."""
    with _exclusive(_folder() / "lock"):  # else one who finds the file before it is locked takes it for that of a dead
        file = os.open(_own("alive"), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return file


def _replace(path: Path, snapshot: Snapshot) -> None:
    draft = path.with_suffix(".draft")
    draft.write_bytes(msgspec.json.encode(snapshot))
    draft.replace(path)


def _read(path: Path) -> Snapshot:
    with suppress(FileNotFoundError, msgspec.DecodeError):
        return _decode(path.read_bytes())
    return Snapshot({})


@contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _merge_ended() -> list[Snapshot]:
    """Add the counters of processes that have ended to `ended`, and return what the living ones have written.

    `ended` names those before their files are removed, so that a crash in between counts nothing twice.
    """
    living: list[Path] = []
    gone: list[Path] = []
    for alive in _folder().glob("*.alive"):
        (living if _is_locked(alive) else gone).append(alive)
    if gone:
        _add_to_ended([path.stem for path in gone])
        for path in gone:
            path.with_suffix(".json").unlink(missing_ok=True)
            path.unlink(missing_ok=True)
    return [_read(path.with_suffix(".json")) for path in living]


def _add_to_ended(names: list[str]) -> None:
    ended = _read(_folder() / "ended")
    new = [_counters(_read(_folder() / f"{name}.json")) for name in names if name not in ended.merged]
    rows = {name: list(numbers.items()) for name, numbers in _sum([ended, *new]).items()}
    _replace(_folder() / "ended", Snapshot(rows, names))


def _is_locked(path: Path) -> bool:
    with suppress(FileNotFoundError), path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _counters(snapshot: Snapshot) -> Snapshot:
    return Snapshot({name: rows for name, rows in snapshot.families.items() if name not in GAUGES})


def _sum(snapshots: Iterable[Snapshot]) -> Totals:
    totals: Totals = {}
    for snapshot in snapshots:
        for name, rows in snapshot.families.items():
            total = totals.setdefault(name, {})
            for labels, numbers in rows:
                total[labels] = _added(total[labels], numbers) if labels in total else numbers
    return totals


def _added(one: Any, other: Any) -> Any:
    return [a + b for a, b in zip(one, other, strict=True)] if isinstance(one, list) else one + other
