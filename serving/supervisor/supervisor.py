"""Start, replace and end generations of the server, as signals ask.

SIGHUP (or SIGUSR2) starts a new generation. When it serves, the old one drains and ends; if it does not start, the old
one goes on. SIGTERM and SIGINT drain and end all. Signals that arrive meanwhile are remembered.
"""

import contextlib
import logging
import select
import signal
import socket
import time
from collections.abc import Callable

from jobs import service_manager
from serving import lifecycle
from serving.supervisor.generation import Generation

START_S = 60.0  # time for a new generation to load the application, after which the old one is kept
CHECK_S = 1.0
RELOADED = "Reloaded"
RELOAD, STOP = (signal.SIGHUP, signal.SIGUSR2), (signal.SIGTERM, signal.SIGINT)
logger = logging.getLogger(__name__)


class Supervisor:
    """Runs one generation of the server at a time, and two while one replaces the other.

    `on_reload` is called with a sentence about each reload, which begins with RELOADED if it succeeded.
    """

    def __init__(
        self,
        sockets: list[socket.socket],
        arguments: list[str],
        environment: dict[str, str],
        on_reload: Callable[[str], None],
    ) -> None:
        self._sockets, self._arguments, self._environment = sockets, arguments, environment
        self._on_reload = on_reload
        self._current: Generation | None = None
        self._next: Generation | None = None
        self._ending: list[Generation] = []
        self._is_reload_wanted = self._is_stopping = False
        self._status = 0

    def run(self) -> int:
        """Return the exit status for this process, when no process of the server is left."""
        wake_up = self._catch_signals()
        self._next = self._new_generation()
        while self._current or self._next or self._ending:
            watched = [wake_up, self._next.channel] if self._next else [wake_up]
            select.select(watched, [], [], CHECK_S)
            with contextlib.suppress(BlockingIOError):
                wake_up.recv(4096)
            self._advance()
        return self._status

    def _catch_signals(self) -> socket.socket:
        wake_up, written = socket.socketpair()
        for end in (wake_up, written):
            end.setblocking(False)
        self._written = written  # referenced, because a socket is closed with its object
        signal.set_wakeup_fd(written.fileno(), warn_on_full_buffer=False)
        for signum in (*RELOAD, *STOP, signal.SIGCHLD):
            signal.signal(signum, self._note)
        return wake_up

    def _note(self, signum: int, _frame: object) -> None:
        self._is_reload_wanted |= signum in RELOAD
        self._is_stopping |= signum in STOP

    def _advance(self) -> None:
        self._ending = [generation for generation in self._ending if generation.status() is None]
        if self._next:
            self._advance_next(self._next)
        if self._current and (status := self._current.status()) is not None:
            logger.error("The server (process %d) ended with status %d.", self._current.pid, status)
            self._current, self._status, self._is_stopping = None, status, True
        if self._is_stopping:
            self._stop()
        elif self._is_reload_wanted and not self._next and not self._ending:
            self._is_reload_wanted = False
            self._next = self._new_generation()
            logger.info("Loading new code in process %d.", self._next.pid)

    def _new_generation(self) -> Generation:
        return Generation(self._sockets, self._arguments, self._environment)

    def _advance_next(self, following: Generation) -> None:
        if (status := following.status()) is not None:
            self._next = None
            self._fail(f"ended with status {status}", status)
        elif following.is_ready():
            if self._current:
                self._current.end(lifecycle.REPLACED)
                self._ending.append(self._current)
                self._report(logging.INFO, f"{RELOADED}: process {following.pid} serves, {self._current.pid} drains.")
            self._current, self._next = following, None
            service_manager.tell("READY=1")
        elif self._current and time.monotonic() > following.started + START_S:
            self._next = None
            self._abandon(following)
            self._fail(f"did not serve within {START_S:.0f} s", 1)

    def _fail(self, what: str, status: int) -> None:
        if self._current:
            self._report(logging.ERROR, f"The new code {what}, see the log above: the old code goes on serving.")
        elif not self._is_stopping:
            self._status = status

    def _report(self, level: int, sentence: str) -> None:
        logger.log(level, sentence)
        self._on_reload(sentence)

    def _abandon(self, generation: Generation) -> None:
        generation.end(lifecycle.STOPPING)
        self._ending.append(generation)

    def _stop(self) -> None:
        for sock in self._sockets:
            sock.close()  # the workers still accept on theirs, until they have drained
        self._sockets = []
        if self._current:
            self._abandon(self._current)
            self._current = None
        if self._next and not self._next.is_forking():
            self._abandon(self._next)
            self._next = None
