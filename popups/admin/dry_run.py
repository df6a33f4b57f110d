"""What one user would be shown now, and why not the others; nothing is claimed."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db.models import QuerySet
from django.utils import timezone

from caching.api import Batch, Unavailable
from popups.config import config_cache
from popups.config.compile import ClientContext, Config, InvalidConfig, compile_config, to_ms
from popups.config.version import VERSIONS
from popups.delivery.decision import NOTHING, Verdict, decide, explain, quiet_until
from popups.delivery.states import STATES, State
from popups.delivery.totals import TOTALS
from popups.models import Popup
from users.models import User

MOST = 200


class Line(NamedTuple):
    popup: Popup
    is_next: bool
    why: str


class DryRun(NamedTuple):
    """`lines`: in the order in which popups are looked at, the newest MOST of them."""

    lines: list[Line]
    state: State
    next_at: datetime | None


def run(user: User, asked: ClientContext) -> DryRun:
    """Raises Unavailable."""
    batch = Batch()
    asked_state, version = batch.add(STATES.of(user.pk)), batch.add(VERSIONS.of())
    batch.run()
    state = asked_state.result
    known, now_ms = config_cache.current(version.result), to_ms(timezone.now())
    configs = known.placements.get(asked.placement, ())
    spent = _spent(configs)
    seen, until_ms = state.seen(), quiet_until(state.rows, known.quiet_ms)
    decision = decide(configs, user, seen, asked, quiet_until_ms=until_ms, spent=spent, now_ms=now_ms)

    def line(popup: Popup, config: Config | None) -> Line:
        if config is None:
            return Line(popup, False, _why_not_at_all(popup, asked))
        verdict = explain(config, user, seen.get(config.key, NOTHING), asked, until_ms, spent)
        is_next = decision.due is not None and decision.due.id == config.id
        return Line(popup, is_next, "" if is_next else _said(verdict, config, now_ms))

    ranked = {config.id: config for config in configs}
    lines = [line(popup, ranked.get(popup.pk)) for popup in _newest()]
    places = {popup_id: place for place, popup_id in enumerate(ranked)}
    lines.sort(key=lambda line: (places.get(line.popup.pk, len(places)), -line.popup.pk))
    next_at = None if decision.next_ms is None or decision.due else _at(decision.next_ms)
    return DryRun(lines, state, next_at)


def _newest() -> QuerySet[Popup]:
    return Popup.objects.order_by("-pk")[:MOST]


def _spent(configs: Any) -> set[int]:
    batch = Batch()
    capped = [(config, batch.add(TOTALS.of(config.id))) for config in configs if config.total_cap is not None]
    batch.run()
    if any(total.result is None for _, total in capped):
        raise Unavailable("the totals cannot be counted")
    return {config.id for config, total in capped if total.result >= config.total_cap}


def _why_not_at_all(popup: Popup, asked: ClientContext) -> str:
    try:
        config = compile_config(popup)
    except InvalidConfig as error:
        return f"broken: {error}"
    if not popup.is_active:
        return "switched off"
    if config.ends_ms <= to_ms(timezone.now()):
        return f"over since {_shown(config.ends_ms)}"
    return f"it is for the placement {popup.placement}"


def _said(verdict: Verdict, config: Config, now_ms: int) -> str:
    if verdict.from_ms is None:
        return verdict.why
    if verdict.from_ms > now_ms:
        return f"not before {_shown(verdict.from_ms)}: {verdict.why}"
    return "due, but another one comes first"


def _at(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def _shown(at_ms: int) -> str:
    return f"{_at(at_ms):%Y-%m-%d %H:%M:%S} UTC"
