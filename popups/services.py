"""What users do with popups, and their leaving."""

from collections.abc import Iterator

from caching.api import Batch, Unavailable
from popups import scripts, tokens, unrecorded
from popups.models import Event, UserPopup
from popups.states import PREFIX, STATES

ATTEMPTS = 3
CHUNK = 500  # rows deleted in one transaction


class UnknownClaim(Exception):
    """The token is none, or it was given to somebody else or for another popup."""


def record(*, user_id: int, popup_id: int, token: str, type: str) -> None:  # noqa: A002
    """Raises UnknownClaim, and Unavailable if the event cannot be kept for sure; done again, it changes nothing."""
    claim = tokens.verified(token, user_id=user_id, popup_id=popup_id)
    if claim is None:
        raise UnknownClaim
    for _ in range(ATTEMPTS):
        batch = Batch()
        keys = [scripts.state_key(user_id), scripts.STREAM]
        args = [PREFIX, popup_id, user_id, claim, type, scripts.LONGEST_STREAM]
        reply = batch.script(scripts.record, keys, args)
        batch.run()
        if reply.result in (b"done", b"again"):
            return
        if reply.result != b"unloaded":
            break
        batch = Batch()
        batch.add(STATES.of(user_id))
        batch.run()
    unrecorded.count(unrecorded.Reason.EVENTS)
    raise Unavailable("the stream of events is full or Redis away")


def end_popups_of(user_id: int) -> Iterator[int]:
    """Deletes what a user was shown and did, CHUNK in a transaction, and yields how many; for users.farewells."""
    for model in (Event, UserPopup):
        rows = model.objects.filter(user_id=user_id)
        while pks := list(rows.values_list("pk", flat=True)[:CHUNK]):
            model.objects.filter(pk__in=pks).delete()
            yield len(pks)
