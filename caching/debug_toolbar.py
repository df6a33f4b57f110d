"""A panel of django-debug-toolbar: what a request has asked of Redis, and how the cache has answered."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any, get_args

from debug_toolbar.panels import Panel

from .entries.source import Result
from .reading import stats
from .redis import client, script
from .redis.link import RedisProtocol
from .redis.script import Command

EVENTS = get_args(stats.Event)


class Recording:
    """The round trips of one request, and the events of the cache by model."""

    def __init__(self) -> None:
        self.trips: list[dict[str, Any]] = []
        self.events: Counter[tuple[str, str]] = Counter()

    def add_trip(self, commands: Sequence[Command], began: float, by: str) -> None:
        """Note commands that have been answered, in a thread or in the event loop."""
        keys = [str(key) for command in commands for key in _keys_of(command)]
        names = [_name_of(command) for command in commands]
        self.trips.append({"ms": (time.perf_counter() - began) * 1000, "commands": names, "keys": keys, "by": by})

    def table(self) -> list[dict[str, Any]]:
        """Return a row for each model with its number of each event."""
        labels = sorted({label for label, _ in self.events})
        return [{"label": label, "counts": [self.events[label, event] for event in EVENTS]} for label in labels]


_recording: ContextVar[Recording | None] = ContextVar("caching_recording", default=None)


class CachingPanel(Panel):
    """For each request: its round trips, with their commands, keys and time; hits, misses and the like by model."""

    title = nav_title = "Cached rows"
    template = "caching/debug_toolbar.html"
    is_async = True

    @classmethod
    def ready(cls) -> None:
        if not hasattr(client._send, "__wrapped__"):
            _install()

    def enable_instrumentation(self) -> None:
        self._recording = Recording()
        _recording.set(self._recording)

    def disable_instrumentation(self) -> None:
        _recording.set(None)

    def generate_stats(self, request: Any, response: Any) -> None:
        trips = self._recording.trips
        self.record_stats(  # type: ignore[no-untyped-call]
            {
                "trips": trips,
                "commands": sum(len(trip["commands"]) for trip in trips),
                "ms": sum(trip["ms"] for trip in trips),
                "events": EVENTS,
                "models": self._recording.table(),
            }
        )

    @property
    def nav_subtitle(self) -> str:
        told: Any = self.get_stats()  # type: ignore[no-untyped-call]
        trips = len(told["trips"])
        return f"{trips} round trip{'' if trips == 1 else 's'} in {told['ms']:.2f} ms"


def _install() -> None:
    """Record for the current request, if there is one, what passes through these functions from now on."""
    client._send = _recorded_send(client._send)
    RedisProtocol.send = _recorded_protocol_send(RedisProtocol.send)  # type: ignore[method-assign]
    stats.count = _recorded_count(stats.count)
    stats.count_hits = _recorded_hits(stats.count_hits)


def _recorded_send(send: Callable[..., Any]) -> Callable[..., Any]:
    def recorded(commands: Sequence[Command]) -> Any:
        began = time.perf_counter()
        replies = send(commands)
        if (recording := _recording.get()) is not None:
            recording.add_trip(commands, began, "thread")
        return replies

    recorded.__wrapped__ = send  # type: ignore[attr-defined]
    return recorded


def _recorded_protocol_send(send: Callable[..., Any]) -> Callable[..., Any]:
    def recorded(self: Any, commands: Sequence[Command], replied: Callable[[Any], None]) -> Any:
        recording, began = _recording.get(), time.perf_counter()

        def note_and_reply(replies: Any) -> None:
            if recording is not None:
                recording.add_trip(commands, began, "event loop")
            replied(replies)

        return send(self, commands, note_and_reply)

    return recorded


def _recorded_count(count: Callable[..., None]) -> Callable[..., None]:
    def recorded(counted: stats.Counted, event: stats.Event, times: int = 1) -> None:
        if (recording := _recording.get()) is not None and times:
            recording.events[counted[0], event] += times
        count(counted, event, times)

    return recorded


def _recorded_hits(count_hits: Callable[..., None]) -> Callable[..., None]:
    def recorded(reads: Sequence[Result[Any]]) -> None:
        if (recording := _recording.get()) is not None:
            for read in reads:
                recording.events[read.source.label, "hits"] += len(read.identities)
        count_hits(reads)

    return recorded


def _name_of(command: Command) -> str:
    return script.names.get(command[1], "script") if command[0] == "EVALSHA" else str(command[0])


def _keys_of(command: Command) -> Sequence[Any]:
    if command[0] == "EVALSHA":
        return command[3 : 3 + int(command[2])]
    return command[1:] if command[0] == "MGET" else command[1:2]
