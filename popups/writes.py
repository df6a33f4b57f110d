"""The write of a popup's event, for the view and the hot lane."""

from collections.abc import Iterable

from api.problems import Problem, not_found
from api.reads import LeftToDjango
from api.writes import Write
from caching.api import Batch, Unavailable
from caching.extend import may_fail_over
from popups import eviction, services
from popups.delivery.states import STATES

RETRY_AFTER_S = 2


class EventWrite(Write):
    """A click on a popup, or its dismissal: one script in Redis, which changes nothing if it runs again."""

    status = 202
    blocks = False

    def __init__(self, batch: Batch, caller_id: int, popup_id: int, claim: str = "", type: str = "") -> None:  # noqa: A002
        self._caller_id, self._popup_id = caller_id, popup_id
        self.claim, self.type = claim, type
        batch.add(STATES.of(caller_id))

    def further_batches(self) -> Iterable[Batch]:
        """Yield the batch that records the event, without a thread; called by the hot lane alone."""
        if may_fail_over() or not eviction.is_known() or eviction.unsafe_server():
            raise LeftToDjango  # which waits for a replica, asks, or refuses
        attempt = services.Attempt(self._caller_id, self._popup_id, self._claim(), self.type)
        yield attempt.batch
        if not attempt.is_recorded():
            raise LeftToDjango

    def perform(self) -> None:
        claim = self._claim()
        try:
            services.record(user_id=self._caller_id, popup_id=self._popup_id, claim=claim, type=self.type)
        except Unavailable:
            raise Problem(
                503, "events_unavailable", "The event cannot be kept now; send it again.", retry_after_s=RETRY_AFTER_S
            ) from None

    def _claim(self) -> str:
        try:
            return services.accepted_claim(self.claim, user_id=self._caller_id, popup_id=self._popup_id)
        except services.UnknownClaim:
            raise not_found("such claim of yours") from None
