"""The next popup of a user: decided, then claimed for the requesting device alone."""

import math
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from api.reads import Read
from caching.api import Batch
from caching.extend import Reply, Result, Stale
from popups import keys, lost_events
from popups.config import config_cache
from popups.config.compile import ClientContext, CompiledConfig
from popups.config.config_cache import ConfigSnapshot
from popups.config.version import VERSIONS
from popups.delivery import claims, scripts
from popups.delivery.decision import Decision, decide, quiet_until
from popups.delivery.states import PREFIX, STATES, PopupHistory, State
from popups.delivery.totals import NO_POPUP, TOTALS
from users.models import User

Reason = lost_events.Reason

ATTEMPTS = 4
RETRY_AFTER_MS = 5_000  # after a failure
MAX_WAIT_MS = 300_000  # whatever is foreseeable: a new popup may be made that is due at once


class Answer(NamedTuple):
    """The popup's document with its claim, or None; and the time at which to ask again."""

    popup: dict[str, Any] | None
    now_ms: int
    next_ms: int


class NextPopup(Read):
    """The read behind `popups/next`: one round trip to Redis if nothing is due, two for a claim.

    Entries that are missing in Redis, and a claim that another device won, take more.
    """

    _snapshot: ConfigSnapshot | None = None
    _answer: Answer

    def __init__(self, batch: Batch, user_id: int, client: ClientContext) -> None:
        self._user_id, self._client = user_id, client
        self._users = batch.rows(User, [user_id])
        self._state, self._version = batch.add(STATES.of(user_id)), batch.add(VERSIONS.of())
        self._steps = self._decide_and_claim()

    def is_nonblocking(self) -> bool:
        self._snapshot = config_cache.cached(self._version.result)
        return self._snapshot is not None

    def next_batch(self) -> Batch | None:
        return next(self._steps, None)

    def document(self) -> Any:
        return {"popup": self._answer.popup, "next_check_at": datetime.fromtimestamp(self._answer.next_ms / 1000, UTC)}

    def headers(self) -> dict[str, str]:
        """Return the caching headers: a client's cache may keep "no popup" until the next check, but never a popup."""
        max_age = f"private, max-age={math.ceil((self._answer.next_ms - self._answer.now_ms) / 1000)}"
        return {
            "Cache-Control": max_age if self._answer.popup is None else f"{max_age}, no-store",
            "Vary": "Authorization",
        }

    def _decide_and_claim(self) -> Iterator[Batch]:
        """Yield batches; resumed when they have run."""
        self._snapshot = self._snapshot or config_cache.current(self._version.result)
        self._user, state, now_ms = self._users.only_row(), self._state.result, time.time_ns() // 1_000_000
        for _ in range(ATTEMPTS):
            histories, quiet_until_ms = state.by_popup(), quiet_until(state.histories, self._snapshot.quiet_ms)
            decision = self._decide(self._snapshot, histories, quiet_until_ms, now_ms)
            if decision.due is None:
                self._answer = Answer(None, now_ms, _next_check_ms(decision, now_ms))
                return
            claim = claims.new_claim()
            reply = request_claim(batch := Batch(), decision.due, decision.from_ms, state, self._user_id, claim)
            yield batch
            outcome, *details = reply.result or [b""]
            if outcome == b"shown":
                self._answer_popup(self._snapshot, decision.due, claim, histories, details[0])
                return
            if outcome == b"changed":
                try:
                    state = STATES.decode(self._user_id, details[0])  # as another device has just written it
                except Stale:
                    reloaded = STATES.of(self._user_id)
                    yield _batch(reloaded)
                    state = reloaded.result
            elif outcome == b"outside_window":
                (now_ms,) = details  # the clock of Redis, which all servers share
            elif outcome == b"total_missing":
                total = TOTALS.of(decision.due.id)
                yield _batch(total)
                if total.result == NO_POPUP:
                    gone = {*self._snapshot.capped_out, decision.due.id}
                    self._snapshot = self._snapshot._replace(capped_out=gone)
            elif outcome == b"capped_out":
                self._snapshot.capped_out.add(decision.due.id)
            else:
                lost_events.count(Reason.FULL if outcome == b"stream_full" else Reason.REDIS)
                break
        self._answer = Answer(None, now_ms, now_ms + RETRY_AFTER_MS)

    def _decide(
        self, snapshot: ConfigSnapshot, histories: dict[str, PopupHistory], quiet_until_ms: int, now_ms: int
    ) -> Decision:
        return decide(
            snapshot.placements.get(self._client.placement, ()), self._user, histories, self._client,
            quiet_until_ms=quiet_until_ms, capped_out=snapshot.capped_out, now_ms=now_ms,
        )  # fmt: skip

    def _answer_popup(
        self, snapshot: ConfigSnapshot, config: CompiledConfig, claim: str, histories: dict[str, PopupHistory],
        now_ms: int,
    ) -> None:  # fmt: skip
        token = claims.sign(claim, user_id=self._user_id, popup_id=config.id)
        histories[config.key] = histories.get(config.key, PopupHistory(config.key)).with_showing(now_ms)
        after = self._decide(snapshot, histories, snapshot.quiet_ms and now_ms + snapshot.quiet_ms, now_ms)
        self._answer = Answer({**config.content, "claim": token}, now_ms, _next_check_ms(after, now_ms))


def _next_check_ms(decision: Decision, now_ms: int) -> int:
    latest = now_ms + MAX_WAIT_MS
    return latest if decision.next_ms is None else min(decision.next_ms, latest)


def _batch(question: Result[Any]) -> Batch:
    batch = Batch()
    batch.add(question)
    return batch


def request_claim(batch: Batch, config: CompiledConfig, from_ms: int, state: State, user_id: int, claim: str) -> Reply:
    """Add to a batch the script that claims a popup which is due since `from_ms` by this state of the user."""
    touched = [keys.state_key(user_id), keys.total_key(config.id), keys.STREAM]
    window, cap = (from_ms, config.ends_ms), config.total_cap or 0
    args = [PREFIX, state.revision, config.id, user_id, claim, *window, cap, keys.MAX_STREAM_LENGTH]
    return batch.script(scripts.claim, touched, args)
