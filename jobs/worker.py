"""A process that runs jobs: each in a thread, with threads beside them that write the heartbeats."""

import contextlib
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from caching.management import polling
from jobs import service_manager
from jobs.heartbeat import DatabaseStore, RedisStore
from jobs.registry import Job
from jobs.runner import Runner

BEAT_S = 2.0
STOP_S = 25.0
"""How long the current steps may take at a stop: as long as the longest statement (config.databases)."""
STUCK_S = 300
"""The seconds of a step from which on the process does not count as healthy."""
log = logging.getLogger(__name__)


class Unstopped(Exception):
    """Steps of jobs have outlasted STOP_S, and were given up; the message names the jobs."""


def work(jobs: Iterable[Job], *, healthy_file: Path | None = None) -> None:
    """Run jobs until SIGTERM or SIGINT, which wait for their current steps; raises Unstopped.

    `healthy_file` is touched every few seconds while no step hangs, and a service manager told.
    """
    for function in polling.before_work:
        function()
    stopped, ended = polling.stopped_by_signals(), threading.Event()
    worker = f"{socket.gethostname()}:{os.getpid()}"
    runners = [Runner(job, worker, stopped) for job in jobs]
    beating = [threading.Thread(target=each, daemon=True) for each in _beating(runners, worker, ended)]
    for thread in [runner.thread for runner in runners] + beating:
        thread.start()
    service_manager.tell("READY=1")
    while not stopped.wait(BEAT_S):
        if all(runner.stuck_s() < STUCK_S for runner in runners):
            service_manager.tell("WATCHDOG=1")
            if healthy_file is not None:
                healthy_file.touch()
    left = _wait_for(runners)
    ended.set()
    for thread in beating:
        thread.join(BEAT_S)
    if left:
        raise Unstopped(f"Not stopped within {STOP_S:.0f} s, and given up in a step: {', '.join(left)}.")


def _wait_for(runners: Iterable[Runner]) -> list[str]:
    """Return the names of jobs that do not end within STOP_S."""
    give_up_at = time.monotonic() + STOP_S
    for runner in runners:
        runner.thread.join(max(0.0, give_up_at - time.monotonic()))
    return [runner.job.name for runner in runners if runner.thread.is_alive()]


def _beating(runners: list[Runner], worker: str, ended: threading.Event) -> Iterable[Callable[[], None]]:
    """Yield what a thread each has to do until `ended`: a store that hangs keeps neither the other one nor measures."""
    for store in (RedisStore(), DatabaseStore()):
        yield partial(_beat, store, runners, worker, ended)
    yield partial(_measure, runners, ended)


def _beat(store: RedisStore | DatabaseStore, runners: list[Runner], worker: str, ended: threading.Event) -> None:
    fails = False
    with contextlib.suppress(Exception):
        store.clear(worker)
    while not ended.is_set():
        try:
            store.write([runner.heartbeat() for runner in runners])
        except Exception as error:
            if not fails:
                log.warning("Heartbeats of jobs cannot be written to %s: %s", store.name, error)
            fails = True
        else:
            if fails:
                log.warning("Heartbeats of jobs are written to %s again.", store.name)
            fails = False
        ended.wait(BEAT_S)
    with contextlib.suppress(Exception):
        store.clear(worker)


def _measure(runners: list[Runner], ended: threading.Event) -> None:
    while not ended.is_set():
        for runner in runners:
            with contextlib.suppress(Exception):  # the job itself tells what fails
                polling.attempt(runner.measure)
        ended.wait(BEAT_S)
