"""Files of processes: each death is counted once, also where a later process has the number of an earlier one."""

import os
import threading
from contextlib import suppress

import pytest

from metrics import snapshots
from metrics.families import PROCESS_FAMILIES

COUNTER = next(family.name for family in PROCESS_FAMILIES if family.kind == "counter")


class Numbers:
    """A family of one counter."""

    name, kind = COUNTER, "counter"

    def __init__(self):
        self.value = 0

    def read(self):
        return {(): self.value}


@pytest.fixture
def process(monkeypatch, settings, tmp_path):
    """The numbers of a process that is alone in its folder."""
    settings.METRICS_DIR = tmp_path
    numbers = Numbers()
    monkeypatch.setattr(snapshots, "PROCESS_FAMILIES", [numbers])
    _forget()
    yield numbers
    _die()
    snapshots._folder.cache_clear()


def _forget():
    for each in (snapshots._folder, snapshots._lock_file, snapshots._name):
        each.cache_clear()


def _die():
    with suppress(OSError):
        os.close(snapshots._lock_file())
    snapshots._lock_file.cache_clear()
    snapshots._name.cache_clear()


def test_a_process_with_the_number_of_one_that_has_ended(process):
    for ended in (5, 3):
        process.value = ended
        snapshots.write()
        _die()
    process.value = 1
    assert snapshots.read_all() == {COUNTER: {(): 9}}
    assert snapshots.read_all() == {COUNTER: {(): 9}}


def test_a_process_that_begins_while_another_looks_for_ended_ones(process, monkeypatch, tmp_path):
    def look():
        with snapshots._exclusive(tmp_path / "lock"):
            snapshots._merge_ended()

    opened, looking = os.open, threading.Thread(target=look)

    def open_and_be_looked_at(path, *args):
        file = opened(path, *args)
        if str(path).endswith(".alive"):
            looking.start()
            looking.join(0.3)  # it waits where it must not look yet
        return file

    monkeypatch.setattr(snapshots.os, "open", open_and_be_looked_at)
    process.value = 4
    snapshots.write()
    looking.join()
    monkeypatch.undo()
    assert len(list(tmp_path.glob("*.alive"))) == 1
