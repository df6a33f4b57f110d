"""The next popup of a user: decided, then claimed for the requesting device alone."""

import math
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from api.reads import LeftToDjango, Read
from caching.api import Batch, Unavailable
from caching.extend import (
    NOBODY,
    Confirmation,
    Reply,
    Result,
    Stale,
    Witness,
    may_fail_over,
    witness_at_once,
    witness_of,
)  # fmt: skip
from popups import eviction, keys, layouts, lost_events
from popups.config import config_cache
from popups.config.compile import ClientContext, CompiledConfig
from popups.config.version import VERSIONS
from popups.delivery import claims, quotas, scripts
from popups.delivery.decision import Decision, decide, quiet_until
from popups.delivery.states import PREFIX, STATES, PopupHistory
from popups.delivery.totals import NO_POPUP, TOTALS, PopupInShard
from popups.keys import prefixed
from popups.models import Event
from popups.recorded_events import recorded
from users.models import User

Reason = lost_events.Reason

ATTEMPTS = 6
RETRY_AFTER_MS = 5_000  # after a failure
_LOST = {b"stream_full": Reason.FULL, b"": Reason.REDIS, b"unconfirmed": Reason.REPLICA}
"""Why nothing is shown, by the answer to a claim; "unconfirmed" where no replica has it in time: it may be lost."""
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

    _snapshot: Any = None
    """A ConfigSnapshot, once one was needed."""
    _answer: Answer
    _may_block = True

    def __init__(self, batch: Batch, user_id: int, client: ClientContext) -> None:
        self._user_id, self._client = user_id, client
        self._users = batch.rows(User, [user_id])
        self._layout = layouts.current()
        self._shard = shard = self._layout.shard_of(user_id)
        self._state, self._version = batch.add(STATES.in_shard(shard, user_id)), batch.add(VERSIONS.of_shard(shard))

    def is_nonblocking(self) -> bool:
        self._may_block = False
        self._snapshot = config_cache.cached(self._version.result, self._shard.number)
        return self._snapshot is not None

    def further_batches(self) -> Iterator[Batch]:
        self._snapshot = self._snapshot or config_cache.current(self._version.result, self._shard.number)
        self._user, self._now_ms = self._users.only_row(), time.time_ns() // 1_000_000
        if self._snapshot.layout is not self._layout:
            yield self._look_again()
        self._known = self._state.result
        for _ in range(ATTEMPTS):
            histories, now_ms = self._known.by_popup(), self._now_ms
            decision = self._decide(histories, quiet_until(self._known.histories, self._snapshot.quiet_ms), now_ms)
            if decision.due is None:
                self._answer = Answer(None, now_ms, _next_check_ms(decision, now_ms))
                return
            if self._may_be_forgotten():
                break
            claim = claims.new_claim()
            reply = self._request_claim(batch := Batch(), decision.due, decision.from_ms, claim)
            witness = self._witness() if may_fail_over() else None
            yield batch
            outcome, *details = reply.result or [b""]
            if outcome == b"shown" and witness is not None:
                yield (confirmation := Confirmation(witness, prefixed(self._shard.stream)))
                outcome = b"shown" if confirmation.result else b"unconfirmed"
            if outcome == b"shown":
                self._answer_popup(decision.due, claim, histories, details[0])
                return
            if outcome in _LOST or (outcome == b"moved" and not self._finds_other_layout()):
                lost_events.count(_LOST.get(outcome, Reason.MOVED))
                break
            yield from self._learn(outcome, details, decision.due)
        self._answer = Answer(None, self._now_ms, self._now_ms + RETRY_AFTER_MS)

    def document(self) -> Any:
        return {"popup": self._answer.popup, "next_check_at": datetime.fromtimestamp(self._answer.next_ms / 1000, UTC)}

    def headers(self) -> dict[str, str]:
        """Return the caching headers: a client's cache may keep "no popup" until the next check, but never a popup."""
        max_age = f"private, max-age={math.ceil((self._answer.next_ms - self._answer.now_ms) / 1000)}"
        return {
            "Cache-Control": max_age if self._answer.popup is None else f"{max_age}, no-store",
            "Vary": "Authorization",
        }

    def _learn(self, outcome: bytes, details: list[Any], config: CompiledConfig) -> Iterator[Batch]:
        """Learn from a refused claim what to decide on next; yield batches, resumed when they have run."""
        if outcome == b"changed":
            try:
                self._known = STATES.decode(self._user_id, details[0])  # as another device has just written it
            except Stale:
                reloaded = STATES.in_shard(self._shard, self._user_id)
                yield _batch(reloaded)
                self._known = reloaded.result
        elif outcome == b"outside_window":
            (self._now_ms,) = details  # the clock of Redis, which all servers share
        elif outcome == b"total_missing":
            total = TOTALS.of(PopupInShard(self._shard, config.id))
            yield _batch(total)
            if total.result == NO_POPUP:
                gone = {*self._snapshot.capped_out, config.id}
                self._snapshot = self._snapshot._replace(capped_out=gone)
        elif outcome == b"capped_out":
            self._snapshot.capped_out.add(config.id)
        elif outcome == b"quota_empty":
            self._request_grant(config, details[0])
        elif outcome == b"moved":
            yield self._look_again()
            self._known = self._state.result

    def _witness(self) -> Witness | None:
        """Return who will have the claim, if a replica has to have it too before it is answered."""
        key = prefixed(self._shard.stream)
        if self._may_block:
            return witness_of(key)
        if (witness := witness_at_once(key)) is NOBODY:
            raise LeftToDjango
        return witness

    def _may_be_forgotten(self) -> bool:
        if not eviction.is_known():
            self._require_thread()
        return bool(eviction.unsafe_server())

    def _finds_other_layout(self) -> bool:
        """Read the configs again; return whether they have a layout by which the popup may be claimed."""
        self._require_thread()
        self._snapshot = config_cache.read_again()
        return self._snapshot.layout is not self._layout

    def _look_again(self) -> Batch:
        """Return the batch that reads the user's state by the layout in use."""
        self._layout = self._snapshot.layout
        self._shard = self._layout.shard_of(self._user_id)
        self._state = STATES.in_shard(self._shard, self._user_id)
        return _batch(self._state)

    def _request_grant(self, config: CompiledConfig, entry: bytes) -> None:
        """Have the shard show more of a popup, or learn that it may not."""
        self._require_thread()
        each = PopupInShard(self._shard, config.id)
        try:
            outcome, cap, _ = quotas.request_grant(self._layout, each, TOTALS.decode(each, entry))
        except Unavailable:
            outcome, cap = quotas.Outcome.UNKNOWN, config.total_cap
        if cap != config.total_cap:
            self._snapshot = config_cache.read_again()
        elif outcome is quotas.Outcome.USED_UP:
            self._snapshot.capped_out.add(config.id)
        elif outcome is quotas.Outcome.UNKNOWN:
            config_cache.suppress_for_now(config.id)

    def _require_thread(self) -> None:
        if not self._may_block:
            raise LeftToDjango

    def _decide(self, histories: dict[str, PopupHistory], quiet_until_ms: int, now_ms: int) -> Decision:
        snapshot = self._snapshot
        return decide(
            snapshot.placements.get(self._client.placement, ()), self._user, histories, self._client,
            quiet_until_ms=quiet_until_ms, capped_out=snapshot.capped_out, now_ms=now_ms,
        )  # fmt: skip

    def _request_claim(self, batch: Batch, config: CompiledConfig, from_ms: int, claim: str) -> Reply:
        """Add to a batch the script that claims a popup which is due since `from_ms` by the known state of the user."""
        shard, user_id = self._shard, self._user_id
        touched = [shard.state_key(user_id), shard.total_key(config.id), shard.stream]
        window, cap = (from_ms, config.ends_ms), config.total_cap or 0
        args = [PREFIX, self._known.revision, config.id, user_id, claim, *window, cap, keys.MAX_STREAM_LENGTH]
        return batch.script(scripts.claim, touched, args)

    def _answer_popup(
        self, config: CompiledConfig, claim: str, histories: dict[str, PopupHistory], now_ms: int
    ) -> None:
        recorded.add(Event.Type.SHOWN.value)
        quiet_ms = self._snapshot.quiet_ms
        token = claims.sign(claim, user_id=self._user_id, popup_id=config.id)
        histories[config.key] = histories.get(config.key, PopupHistory(config.key)).with_showing(now_ms)
        after = self._decide(histories, quiet_ms and now_ms + quiet_ms, now_ms)
        self._answer = Answer({**config.content, "claim": token}, now_ms, _next_check_ms(after, now_ms))


def _next_check_ms(decision: Decision, now_ms: int) -> int:
    latest = now_ms + MAX_WAIT_MS
    return latest if decision.next_ms is None else min(decision.next_ms, latest)


def _batch(question: Result[Any]) -> Batch:
    batch = Batch()
    batch.add(question)
    return batch
