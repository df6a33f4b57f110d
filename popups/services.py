"""Recording what users do with popups, and deleting it with a user."""

from collections.abc import Iterator
from typing import Any

from caching.api import Batch, Unavailable
from caching.extend import confirm, witness_of
from jobs.deletion import in_chunks
from popups import eviction, keys, layouts, lost_events, retention
from popups.delivery import claims, scripts
from popups.delivery.states import PREFIX, STATES
from popups.models import Event, UserPopup
from popups.recorded_events import recorded

ATTEMPTS = 4


class UnknownClaim(Exception):
    """The token is not valid for this user and this popup."""


def accepted_claim(token: str, *, user_id: int, popup_id: int) -> str:
    """Return the claim of a token, of whose popup events are taken; raises UnknownClaim, also if it is too old."""
    claim = claims.verify(token, user_id=user_id, popup_id=popup_id)
    if claim is None or not retention.is_accepted(claim):
        raise UnknownClaim
    return claim


class Attempt:
    """One attempt to record an event: run `batch`, then look at the outcome."""

    def __init__(self, user_id: int, popup_id: int, claim: str, type: str) -> None:  # noqa: A002
        self.type = type
        self.shard = layouts.current().shard_of(user_id)
        self.batch = Batch()
        args = [PREFIX, popup_id, user_id, claim, type, keys.MAX_STREAM_LENGTH]
        self._reply = self.batch.script(scripts.record, [self.shard.state_key(user_id), self.shard.stream], args)

    @property
    def outcome(self) -> Any:
        """What record.lua has answered; None if Redis could not be used."""
        return self._reply.result

    def is_recorded(self) -> bool:
        """Return whether the event is recorded, now or before; count it if now."""
        if self.outcome == b"recorded":
            recorded.add(self.type)
        return self.outcome in (b"recorded", b"duplicate")


def record(*, user_id: int, popup_id: int, claim: str, type: str) -> None:  # noqa: A002
    """Record a click or a dismissal by an accepted claim; recording the same event again changes nothing.

    Raises Unavailable if the event could not be recorded safely.
    """
    if reason := eviction.unsafe_server():
        raise Unavailable(reason)
    for _ in range(ATTEMPTS):
        attempt = Attempt(user_id, popup_id, claim, type)
        stream = keys.prefixed(attempt.shard.stream)
        witness = witness_of(stream)
        attempt.batch.run()
        if attempt.is_recorded() and confirm(witness, stream):
            return
        if attempt.outcome == b"moved":
            if layouts.read().shard_of(user_id) == attempt.shard:
                break
        elif attempt.outcome == b"state_missing":
            batch = Batch()
            batch.add(STATES.in_shard(attempt.shard, user_id))
            batch.run()
        else:
            break
    lost_events.count(lost_events.Reason.EVENTS)
    raise Unavailable("the stream of events is full or Redis away")


def delete_popups_of(user_id: int) -> Iterator[int]:
    """Delete a user's popup events and states and yield the number of rows per chunk; for users.deletion_hooks."""
    yield from in_chunks(Event.objects.all(), by="pk", owner={"user_id": user_id})
    yield from in_chunks(UserPopup.objects.all(), by="popup_id", owner={"user_id": user_id})


def redis_keys_of(user_id: int) -> Iterator[str]:
    """Yield the keys of a user's states by all layouts; registered with users.deletion_hooks."""
    for number, shards in [(0, 1), *layouts.opened()]:
        yield keys.prefixed(keys.layout_of(number, shards).shard_of(user_id).state_key(user_id))
