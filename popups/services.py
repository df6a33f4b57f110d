"""Recording what users do with popups, and deleting it with a user."""

from collections.abc import Iterator

from caching.api import Batch, Unavailable
from caching.extend import confirm, witness_of
from jobs.deletion import in_chunks
from popups import keys, layouts, lost_events, retention
from popups.delivery import claims, scripts
from popups.delivery.states import PREFIX, STATES
from popups.models import Event, UserPopup

ATTEMPTS = 4


class UnknownClaim(Exception):
    """The token is not valid for this user and this popup."""


def record(*, user_id: int, popup_id: int, token: str, type: str) -> None:  # noqa: A002
    """Record a click or a dismissal; recording the same event again changes nothing.

    Raises UnknownClaim, also for a claim that is too old, and Unavailable if the event could not be recorded safely.
    """
    claim = claims.verify(token, user_id=user_id, popup_id=popup_id)
    if claim is None or not retention.is_accepted(claim):
        raise UnknownClaim
    for _ in range(ATTEMPTS):
        shard = layouts.current().shard_of(user_id)
        batch = Batch()
        args = [PREFIX, popup_id, user_id, claim, type, keys.MAX_STREAM_LENGTH]
        reply = batch.script(scripts.record, [shard.state_key(user_id), shard.stream], args)
        witness = witness_of(keys.prefixed(shard.stream))
        batch.run()
        if reply.result in (b"recorded", b"duplicate") and confirm(witness, keys.prefixed(shard.stream)):
            return
        if reply.result == b"moved":
            if layouts.read().shard_of(user_id) == shard:
                break
        elif reply.result == b"state_missing":
            batch = Batch()
            batch.add(STATES.in_shard(shard, user_id))
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
