"""The stream of events between the requests that make them and the table."""

import logging
import os
import socket
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from caching.extend import Command, breaker, execute, jittered_ms, new_token
from popups import keys
from popups.delivery import scripts
from popups.delivery.states import LIFE_S, PREFIX
from popups.models import Event

GROUP = "drain"
BATCH = 500
SILENCE_MS = 30_000  # longer than a batch takes: then another drain takes over what this one had
FORGOTTEN_MS = 24 * 3_600_000
logger = logging.getLogger(__name__)


class StreamEvent(NamedTuple):
    """An event as it is in the stream. `is_last`: the claim is of the user's last showing of the popup."""

    stream_id: str
    type: str
    user_id: int
    popup_id: int
    claim: str
    at: datetime
    is_last: bool


class Taken(NamedTuple):
    """`ids` are all that was taken; what of it cannot be read is not in `events`."""

    ids: list[str]
    events: list[StreamEvent]


def new_consumer() -> str:
    """A name that no other process has: two with one name would take each other's events for their own."""
    return f"{socket.gethostname()}:{os.getpid()}:{new_token()}"


def take(consumer: str, *, silence_ms: int = SILENCE_MS) -> Taken:
    """At most BATCH events that are this consumer's from now on; raises Unavailable."""
    key = keys.prefixed(keys.STREAM)
    (entries,) = _ask([scripts.take.command([key], [GROUP, consumer, BATCH, silence_ms, FORGOTTEN_MS])])
    events = [_parsed(*entry) for entry in entries]
    return Taken([entry[0].decode() for entry in entries], [event for event in events if event is not None])


def acknowledge(taken: Taken) -> None:
    """After the commit: the events are forgotten, the states of their users may be evicted; raises Unavailable."""
    users = {event.stream_id: event.user_id for event in taken.events}
    states = [keys.prefixed(keys.state_key(user_id)) for user_id in dict.fromkeys(users.values())]
    places = {key: place for place, key in enumerate(states, 2)}
    args: list[Any] = [GROUP, PREFIX, jittered_ms(LIFE_S)]
    for stream_id in taken.ids:
        key = keys.prefixed(keys.state_key(users[stream_id])) if stream_id in users else ""
        args += [stream_id, places.get(key, 0)]
    _ask([scripts.acknowledge.command([keys.prefixed(keys.STREAM), *states], args)])


def waiting() -> int:
    """How many events wait to be drained; raises Unavailable."""
    (length,) = _ask([("XLEN", keys.prefixed(keys.STREAM))])
    return int(length)


def _ask(commands: Sequence[Command]) -> list[Any]:
    return execute(commands, allowed=breaker.may_write)


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
