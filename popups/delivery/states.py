"""The state of a user in Redis: one entry with all popups that the user was ever shown, behind 'V' and a fingerprint.

MessagePack, written by Python when it is loaded and by the Lua scripts when an event happens:
[events not drained yet, revision, [[popup id, times shown, shown, claim, clicked, dismissed], …]], times in ms, 0 for
never.

The database has an event only once it is drained. So an entry with events that are not drained has no TTL, which keeps
`volatile-lru` from evicting it; the drain counts them down after its commit, and sets the TTL when none is left.
"""

from collections.abc import Iterable, Mapping

import msgspec

from caching.extend import Framed, Result, jittered_ms, new_token, prefix
from popups import layouts
from popups.config.compile import to_ms
from popups.keys import Shard, prefixed
from popups.models import UserPopup
from popups.sources import PopupSource

LIFE_S = 7 * 24 * 3_600


class PopupHistory(msgspec.Struct, array_like=True, gc=False):
    """The events of one user and one popup. The popup's id is text, because Lua's numbers are exact only to 2^53."""

    popup: str
    shown: int = 0
    shown_ms: int = 0
    claim: str = ""
    clicked_ms: int = 0
    dismissed_ms: int = 0

    def with_showing(self, at_ms: int) -> "PopupHistory":
        """Return the history after one more showing."""
        return PopupHistory(self.popup, self.shown + 1, at_ms, self.claim, self.clicked_ms, self.dismissed_ms)


class State(msgspec.Struct, array_like=True, gc=False):
    """The histories of one user. `revision` changes with every event and every load, so that the claim script refuses
    to act on another state than the decision was made on."""

    pending_events: int
    revision: str
    histories: list[PopupHistory]

    def by_popup(self) -> dict[str, PopupHistory]:
        """Return {popup id: history}."""
        return {history.popup: history for history in self.histories}


_ENTRY: Framed[State] = Framed(["popups", "state", 1], State, fingerprint_bytes=4)
PREFIX = _ENTRY.prefix


class StateSource(PopupSource):
    """The source of states, by user id."""

    label = "popups.state"
    model = UserPopup
    decode = _ENTRY.decode

    def key(self, user_id: int) -> str:
        return prefixed(layouts.current().shard_of(user_id).state_key(user_id))

    def in_shard(self, shard: Shard, user_id: int) -> Result[State]:
        """Return the question for the state of a user of a shard."""
        return Result(self, {f"{prefix()}:{shard.begin}{user_id}": user_id})

    def load(self, user_ids: Iterable[int]) -> Mapping[int, State]:
        """Return the states of all users asked for; a user who was never shown a popup has an empty one."""
        histories: dict[int, list[PopupHistory]] = {user_id: [] for user_id in user_ids}
        for row in UserPopup.objects.using(self.using).filter(user_id__in=histories).order_by("pk"):
            histories[row.user_id].append(_from_row(row))
        return {user_id: State(0, new_token(), found) for user_id, found in histories.items()}

    def encode(self, user_id: int, state: State) -> tuple[bytes, int]:
        return _ENTRY.encode(state), jittered_ms(LIFE_S)


def _from_row(row: UserPopup) -> PopupHistory:
    times = (row.last_shown_at, row.last_clicked_at, row.last_dismissed_at)
    shown_ms, clicked_ms, dismissed_ms = (0 if at is None else to_ms(at) for at in times)
    return PopupHistory(str(row.popup_id), row.shown, shown_ms, row.last_claim, clicked_ms, dismissed_ms)


STATES = StateSource()
