"""One entry of a user: which popup comes up now, claimed for this device alone.

    entry = Entry(batch, user_id, asked)  # puts what it needs into a batch that is about to run
    batch.run()
    for batch in entry.steps():
        batch.run()
    entry.answer

Nothing due is one round trip, a claim is two; only what is not in Redis, or a lost race, takes more.
"""

import math
import time
from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from caching import Batch
from caching.batch import Reply
from caching.codec import Stale
from popups import live, scripts, tokens, unrecorded
from popups.configs import Asked, Config
from popups.decision import Decision, decide
from popups.states import PREFIX, STATES, State, StatePart
from popups.totals import TotalPart
from popups.versions import VersionPart
from users.models import User

Reason = unrecorded.Reason

ATTEMPTS = 4
RETRY_MS = 5_000  # after a failure
UNFORESEEN_MS = 300_000  # nothing in sight: a new popup may still be made
LONGEST_MS = 24 * 3_600_000


class Answer(NamedTuple):
    """`popup` is a document with its claim, or None."""

    popup: dict[str, Any] | None
    now_ms: int
    next_ms: int

    @property
    def document(self) -> dict[str, Any]:
        return {"popup": self.popup, "next_check_at": datetime.fromtimestamp(self.next_ms / 1000, UTC)}

    @property
    def headers(self) -> dict[str, str]:
        """A popup is not to come out of a client's cache again, however long there is nothing new to ask for."""
        max_age = f"private, max-age={math.ceil((self.next_ms - self.now_ms) / 1000)}"
        return {
            "Cache-Control": max_age if self.popup is None else f"{max_age}, no-store",
            "Vary": "Authorization",
        }


class Entry:
    answer: Answer

    def __init__(self, batch: Batch, user_id: int, asked: Asked) -> None:
        self._user_id, self._asked = user_id, asked
        self._users, self._state, self._version = batch.rows(User, [user_id]), StatePart(user_id), VersionPart()
        batch.add(self._state)
        batch.add(self._version)

    @property
    def is_at_hand(self) -> bool:
        """Whether the first step can do without the database."""
        return live.at_hand(self._version.version) is not None

    def steps(self) -> Iterator[Batch]:
        """Batches to run one after the other, after the first one ran; then there is an answer."""
        self._live, self._user = live.current(self._version.version), self._users.row(self._user_id)
        state, now_ms = self._state.state, time.time_ns() // 1_000_000
        for _ in range(ATTEMPTS):
            decision = self._decide(state, now_ms)
            if decision.due is None:
                self._answer_nothing(now_ms, UNFORESEEN_MS if decision.next_ms is None else decision.next_ms - now_ms)
                return
            claim = tokens.new_claim()
            batch = Batch()
            reply = ask(batch, decision, user_id=self._user_id, state=state, claim=claim)
            yield batch
            verdict, *details = reply.result or [b""]
            if verdict == b"shown":
                self._answer_popup(decision.due, claim, state, details[0])
                return
            if verdict == b"changed":
                state = yield from self._state_in(details[0])
            elif verdict == b"early":
                (now_ms,) = details  # Redis' clock, the one that all servers share
            elif verdict == b"uncounted":
                yield _counting(decision.due.id)
            elif verdict == b"spent":
                self._live.spent.add(decision.due.id)
            else:
                unrecorded.count(Reason.FULL if verdict == b"full" else Reason.REDIS)
                break
        self._answer_nothing(now_ms, RETRY_MS)

    def _decide(self, state: State, now_ms: int) -> Decision:
        configs, spent = self._live.placements.get(self._asked.placement, ()), self._live.spent
        return decide(configs, self._user, state, self._asked, quiet_ms=self._live.quiet_ms, spent=spent, now_ms=now_ms)

    def _state_in(self, entry: bytes) -> Generator[Batch, None, State]:
        """What another device has just written there; loaded again if it is not a state."""
        try:
            return STATES.decode(self._user_id, entry)
        except Stale:
            batch, part = Batch(), StatePart(self._user_id)
            batch.add(part)
            yield batch
            return part.state

    def _answer_nothing(self, now_ms: int, wait_ms: int) -> None:
        self.answer = Answer(None, now_ms, now_ms + min(wait_ms, LONGEST_MS))

    def _answer_popup(self, config: Config, claim: str, state: State, now_ms: int) -> None:
        token = tokens.signed(claim, user_id=self._user_id, popup_id=config.id)
        after = self._decide(state.after(config.id, now_ms), now_ms)
        wait_ms = UNFORESEEN_MS if after.next_ms is None else after.next_ms - now_ms
        self.answer = Answer({**config.content, "claim": token}, now_ms, now_ms + min(wait_ms, LONGEST_MS))


def ask(batch: Batch, decision: Decision, *, user_id: int, state: State, claim: str) -> Reply:
    """Put the claim of what is due into a batch."""
    config = decision.due
    keys = [scripts.state_key(user_id), scripts.total_key(config.id), scripts.STREAM]
    window, cap = (decision.from_ms, config.ends_ms), config.total_cap or 0
    args = [PREFIX, state.revision, config.id, user_id, claim, *window, cap, scripts.LONGEST_STREAM]
    return batch.script(scripts.claim, keys, args)


def _counting(popup_id: int) -> Batch:
    batch = Batch()
    batch.add(TotalPart(popup_id))
    return batch
