"""One entry of a user: which popup comes up now, claimed for this device alone."""

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
from popups.config.compile import ClientContext, Config
from popups.config.config_cache import ConfigSnapshot
from popups.config.version import VERSIONS
from popups.delivery import claims, scripts
from popups.delivery.decision import Decision, decide, quiet_until
from popups.delivery.states import PREFIX, STATES, Seen, State
from popups.delivery.totals import TOTALS
from users.models import User

Reason = lost_events.Reason

ATTEMPTS = 4
RETRY_MS = 5_000  # after a failure
UNFORESEEN_MS = 300_000  # nothing in sight: a new popup may still be made
LONGEST_MS = 24 * 3_600_000


class Answer(NamedTuple):
    """`popup` is a document with its claim, or None."""

    popup: dict[str, Any] | None
    now_ms: int
    next_ms: int


class NextPopup(Read):
    """Nothing due is one round trip, a claim is two; only what is not in Redis, or a lost race, takes more."""

    _live: ConfigSnapshot | None = None
    _answer: Answer

    def __init__(self, batch: Batch, user_id: int, asked: ClientContext) -> None:
        self._user_id, self._asked = user_id, asked
        self._users = batch.rows(User, [user_id])
        self._state, self._version = batch.add(STATES.of(user_id)), batch.add(VERSIONS.of())
        self._steps = self._entering()

    def is_nonblocking(self) -> bool:
        self._live = config_cache.cached(self._version.result)
        return self._live is not None

    def next_batch(self) -> Batch | None:
        return next(self._steps, None)

    def document(self) -> Any:
        return {"popup": self._answer.popup, "next_check_at": datetime.fromtimestamp(self._answer.next_ms / 1000, UTC)}

    def headers(self) -> dict[str, str]:
        """A popup is not to come out of a client's cache again, however long there is nothing new to ask for."""
        max_age = f"private, max-age={math.ceil((self._answer.next_ms - self._answer.now_ms) / 1000)}"
        return {
            "Cache-Control": max_age if self._answer.popup is None else f"{max_age}, no-store",
            "Vary": "Authorization",
        }

    def _entering(self) -> Iterator[Batch]:
        """Yields batches, and goes on when they have run."""
        self._live = self._live or config_cache.current(self._version.result)
        self._user, state, now_ms = self._users.only_row(), self._state.result, time.time_ns() // 1_000_000
        for _ in range(ATTEMPTS):
            seen, quiet_until_ms = state.seen(), quiet_until(state.rows, self._live.quiet_ms)
            decision = self._decide(self._live, seen, quiet_until_ms, now_ms)
            if decision.due is None:
                self._answer_nothing(now_ms, UNFORESEEN_MS if decision.next_ms is None else decision.next_ms - now_ms)
                return
            claim = claims.new_claim()
            reply = request_claim(batch := Batch(), decision, user_id=self._user_id, state=state, claim=claim)
            yield batch
            verdict, *details = reply.result or [b""]
            if verdict == b"shown":
                self._answer_popup(self._live, decision.due, claim, seen, details[0])
                return
            if verdict == b"changed":
                try:
                    state = STATES.decode(self._user_id, details[0])  # what another device has just written there
                except Stale:
                    asked = STATES.of(self._user_id)
                    yield _batch(asked)
                    state = asked.result
            elif verdict == b"early":
                (now_ms,) = details  # Redis' clock, the one that all servers share
            elif verdict == b"uncounted":
                yield _batch(TOTALS.of(decision.due.id))
            elif verdict == b"spent":
                self._live.spent.add(decision.due.id)
            else:
                lost_events.count(Reason.FULL if verdict == b"full" else Reason.REDIS)
                break
        self._answer_nothing(now_ms, RETRY_MS)

    def _decide(
        self, config_cache: ConfigSnapshot, seen: dict[str, Seen], quiet_until_ms: int, now_ms: int
    ) -> Decision:
        return decide(
            config_cache.placements.get(self._asked.placement, ()), self._user, seen, self._asked,
            quiet_until_ms=quiet_until_ms, spent=config_cache.spent, now_ms=now_ms,
        )  # fmt: skip

    def _answer_nothing(self, now_ms: int, wait_ms: int) -> None:
        self._answer = Answer(None, now_ms, now_ms + min(wait_ms, LONGEST_MS))

    def _answer_popup(
        self, config_cache: ConfigSnapshot, config: Config, claim: str, seen: dict[str, Seen], now_ms: int
    ) -> None:
        token = claims.sign(claim, user_id=self._user_id, popup_id=config.id)
        seen[config.key] = seen.get(config.key, Seen(config.key)).again(now_ms)
        after = self._decide(config_cache, seen, config_cache.quiet_ms and now_ms + config_cache.quiet_ms, now_ms)
        wait_ms = UNFORESEEN_MS if after.next_ms is None else after.next_ms - now_ms
        self._answer = Answer({**config.content, "claim": token}, now_ms, now_ms + min(wait_ms, LONGEST_MS))


def _batch(question: Result[Any]) -> Batch:
    batch = Batch()
    batch.add(question)
    return batch


def request_claim(batch: Batch, decision: Decision, *, user_id: int, state: State, claim: str) -> Reply:
    """Put the claim of what is due into a batch."""
    config = decision.due
    touched = [keys.state_key(user_id), keys.total_key(config.id), keys.STREAM]
    window, cap = (decision.from_ms, config.ends_ms), config.total_cap or 0
    args = [PREFIX, state.revision, config.id, user_id, claim, *window, cap, keys.LONGEST_STREAM]
    return batch.script(scripts.claim, touched, args)
