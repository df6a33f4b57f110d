"""The Redis streams, one of each shard, in which events wait between the requests that make them and the table."""

import logging
import os
import socket
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from caching.extend import Script, breaker, execute, jittered_ms, new_token
from popups import keys
from popups.delivery import scripts
from popups.delivery.states import LIFE_S, PREFIX
from popups.keys import Shard
from popups.models import Event

GROUP = "drain"
BATCH_SIZE = 500
MIN_IDLE_MS = 30_000  # longer than a batch takes: afterwards another drain takes over its events
CONSUMER_EXPIRY_MS = 24 * 3_600_000
logger = logging.getLogger(__name__)


class StreamEvent(NamedTuple):
    """An event in a stream, with its id in the table. `is_last`: whether the claim is that of the last showing of the
    popup to the user."""

    stream_id: str
    type: str
    user_id: int
    popup_id: int
    claim: str
    at: datetime
    is_last: bool


class TakenEvents(NamedTuple):
    """Events of a shard that a consumer has taken. `ids` are those of all in the stream, `users` are whose states have
    to be told, by id, and `events` only the ones that could be parsed."""

    shard: Shard
    ids: list[str]
    users: dict[str, int]
    events: list[StreamEvent]


def new_consumer() -> str:
    """Return a unique consumer name: two processes with one name would take each other's events."""
    return f"{socket.gethostname()}:{os.getpid()}:{new_token()}"


def take(consumer: str, shard: Shard, *, min_idle_ms: int = MIN_IDLE_MS) -> TakenEvents:
    """Assign at most BATCH_SIZE events of a shard to a consumer and return them; raises Unavailable.

    Events of a consumer that was idle for `min_idle_ms` are taken over.
    """
    args = [GROUP, consumer, BATCH_SIZE, min_idle_ms, CONSUMER_EXPIRY_MS]
    command = scripts.take.command([keys.prefixed(shard.stream)], args)
    (entries,) = execute([command], allowed=breaker.may_write)
    if entries == b"sealed":
        return take(consumer, shard.sealed, min_idle_ms=min_idle_ms)
    parsed = {entry[0].decode(): _parsed(shard, *entry) for entry in entries}
    events = {stream_id: event for stream_id, event in parsed.items() if event is not None}
    users = {stream_id: event.user_id for stream_id, event in events.items()}
    return TakenEvents(shard, list(parsed), users, list(events.values()))


def acknowledge(taken: TakenEvents) -> None:
    """Delete events from their stream and let the states of their users expire; call it after the commit.

    Raises Unavailable.
    """
    positions = {user_id: position for position, user_id in enumerate(dict.fromkeys(taken.users.values()), 2)}
    args: list[Any] = [GROUP, PREFIX, jittered_ms(LIFE_S)]
    for stream_id in taken.ids:
        args += [stream_id, positions.get(taken.users.get(stream_id, 0), 0)]
    touched = map(keys.prefixed, (taken.shard.stream, *map(taken.shard.state_key, positions)))
    (answer,) = execute([scripts.acknowledge.command([*touched], args)], allowed=breaker.may_write)
    if answer == b"sealed":
        acknowledge(taken._replace(shard=taken.shard.sealed))


def backlog(shards: Iterable[Shard]) -> int:
    """Return the number of events of shards that are not acknowledged yet; raises Unavailable."""
    return sum(_of_each(scripts.length, shards))


def oldest(shards: Iterable[Shard]) -> datetime | None:
    """Return when the oldest event that is not acknowledged was recorded, by Redis' clock; raises Unavailable."""
    ids = [found for found in _of_each(scripts.oldest, shards) if found]
    return min((datetime.fromtimestamp(int(each.split(b"-")[0]) / 1000, UTC) for each in ids), default=None)


def _of_each(script: Script, shards: Iterable[Shard]) -> list[Any]:
    streams = [[keys.prefixed(each.stream), keys.prefixed(each.sealed.stream)] for each in shards]
    return execute([script.command(both, []) for both in streams], allowed=breaker.may_write)


def _parsed(shard: Shard, stream_id: bytes, fields: Sequence[bytes]) -> StreamEvent | None:
    try:
        found = {name.decode(): value.decode() for name, value in zip(fields[::2], fields[1::2], strict=True)}
        return StreamEvent(
            shard.table_id(stream_id.decode()),
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
