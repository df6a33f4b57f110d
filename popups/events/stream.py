"""The Redis stream in which events wait between the requests that make them and the table."""

import logging
import os
import socket
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from caching.extend import breaker, execute, jittered_ms, new_token
from popups import keys
from popups.delivery import scripts
from popups.delivery.states import LIFE_S, PREFIX
from popups.models import Event

GROUP = "drain"
BATCH_SIZE = 500
MIN_IDLE_MS = 30_000  # longer than a batch takes: afterwards another drain takes over its events
CONSUMER_EXPIRY_MS = 24 * 3_600_000
logger = logging.getLogger(__name__)


class StreamEvent(NamedTuple):
    """An event in the stream. `is_last`: whether the claim is that of the user's last showing of the popup."""

    stream_id: str
    type: str
    user_id: int
    popup_id: int
    claim: str
    at: datetime
    is_last: bool


class TakenEvents(NamedTuple):
    """Events that a consumer has taken. `ids` are those of all, `events` only the ones that could be parsed."""

    ids: list[str]
    events: list[StreamEvent]


def new_consumer() -> str:
    """Return a unique consumer name: two processes with one name would take each other's events."""
    return f"{socket.gethostname()}:{os.getpid()}:{new_token()}"


def take(consumer: str, *, min_idle_ms: int = MIN_IDLE_MS) -> TakenEvents:
    """Assign at most BATCH_SIZE events to a consumer and return them; raises Unavailable.

    Events of a consumer that was idle for `min_idle_ms` are taken over.
    """
    args = [GROUP, consumer, BATCH_SIZE, min_idle_ms, CONSUMER_EXPIRY_MS]
    command = scripts.take.command([keys.prefixed(keys.STREAM)], args)
    (entries,) = execute([command], allowed=breaker.may_write)
    events = [_parsed(*entry) for entry in entries]
    return TakenEvents([entry[0].decode() for entry in entries], [event for event in events if event is not None])


def acknowledge(taken: TakenEvents) -> None:
    """Delete events from the stream and let the states of their users expire; call it after the commit.

    Raises Unavailable.
    """
    users = {event.stream_id: event.user_id for event in taken.events}
    positions = {user_id: position for position, user_id in enumerate(dict.fromkeys(users.values()), 2)}
    args: list[Any] = [GROUP, PREFIX, jittered_ms(LIFE_S)]
    for stream_id in taken.ids:
        args += [stream_id, positions.get(users.get(stream_id, 0), 0)]
    touched = map(keys.prefixed, (keys.STREAM, *map(keys.state_key, positions)))
    execute([scripts.acknowledge.command([*touched], args)], allowed=breaker.may_write)


def backlog() -> int:
    """Return the number of events that are not acknowledged yet; raises Unavailable."""
    (length,) = execute([("XLEN", keys.prefixed(keys.STREAM))], allowed=breaker.may_write)
    return int(length)


def _parsed(stream_id: bytes, fields: Sequence[bytes]) -> StreamEvent | None:
    try:
        found = {name.decode(): value.decode() for name, value in zip(fields[::2], fields[1::2], strict=True)}
        return StreamEvent(
            stream_id.decode(),
            Event.Type(found["type"]).value,
            int(found["user"]),
            int(found["popup"]),
            bytes.fromhex(found["claim"]).hex(),
            datetime.fromtimestamp(int(found["at"]) / 1000, UTC),
            found["last"] == "1",
        )
    except (KeyError, ValueError, OverflowError) as error:
        logger.error("Event %s of the stream cannot be read and is left out (%s): %s", stream_id, error, fields)
        return None
