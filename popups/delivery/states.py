"""What Redis holds for a user: one entry with all popups the user was ever shown, behind 'V' and a fingerprint.

MessagePack, written by Python when it is loaded and by the Lua scripts when something happens:
[events not drained yet, revision, [[popup id, times shown, shown, claim, clicked, dismissed], …]], times in ms, 0 for
never.

The database knows an event only once it is drained. So an entry with events that are not has no life, which is what
keeps `volatile-lru` from evicting it; the drain counts them down after its commit and then gives it one.
"""

from collections.abc import Iterable, Mapping

import msgspec
from django.db import router

from caching.extend import Framed, Result, jittered_ms, new_token
from popups.config.compile import to_ms
from popups.keys import prefixed, state_key
from popups.models import UserPopup

LIFE_S = 7 * 24 * 3_600


class Seen(msgspec.Struct, array_like=True, gc=False):
    """What a user was shown of one popup. The id is text, because Lua's numbers end at 2^53."""

    popup: str
    shown: int = 0
    shown_ms: int = 0
    claim: str = ""
    clicked_ms: int = 0
    dismissed_ms: int = 0

    def again(self, at_ms: int) -> "Seen":
        """As it is once the popup was shown at that time."""
        return Seen(self.popup, self.shown + 1, at_ms, self.claim, self.clicked_ms, self.dismissed_ms)


class State(msgspec.Struct, array_like=True, gc=False):
    """`revision` changes with every event and every load: a script acts only on the state that was decided on."""

    undrained: int
    revision: str
    rows: list[Seen]

    def seen(self) -> dict[str, Seen]:
        """By popup."""
        return {row.popup: row for row in self.rows}


_ENTRY: Framed[State] = Framed(["popups", "state", 1], State, fingerprint_bytes=4)
PREFIX = _ENTRY.prefix


class States:
    """A source of the cache (caching.extend.Source): states by user id."""

    label = "popups.state"
    scripted = False
    decode = _ENTRY.decode

    @property
    def using(self) -> str:
        return router.db_for_write(UserPopup)

    def key(self, user_id: int) -> str:
        return prefixed(state_key(user_id))

    def load(self, user_ids: Iterable[int]) -> Mapping[int, State]:
        """Of everybody asked; whoever was shown nothing has an empty state."""
        seen: dict[int, list[Seen]] = {user_id: [] for user_id in user_ids}
        for row in UserPopup.objects.using(self.using).filter(user_id__in=seen).order_by("pk"):
            seen[row.user_id].append(_from_row(row))
        return {user_id: State(0, new_token(), rows) for user_id, rows in seen.items()}

    def encode(self, user_id: int, state: State) -> tuple[bytes, int]:
        return _ENTRY.encode(state), jittered_ms(LIFE_S)

    def of(self, user_id: int) -> Result[State]:
        """Ask for a user's state."""
        return Result(self, {self.key(user_id): user_id})


def _from_row(row: UserPopup) -> Seen:
    times = (row.last_shown_at, row.last_clicked_at, row.last_dismissed_at)
    shown_ms, clicked_ms, dismissed_ms = (0 if at is None else to_ms(at) for at in times)
    return Seen(str(row.popup_id), row.shown, shown_ms, row.last_claim, clicked_ms, dismissed_ms)


STATES = States()
