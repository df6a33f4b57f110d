"""The dry run: the popup that a user would be shown now, and the reasons against the others. Nothing is claimed."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from django.utils import timezone

from caching.api import Batch
from popups import layouts
from popups.config import config_cache
from popups.config.compile import ClientContext, CompiledConfig, InvalidConfig, compile_config, to_ms
from popups.config.version import VERSIONS
from popups.delivery import quotas
from popups.delivery.decision import NEVER_SHOWN, Eligibility, decide, explain, quiet_until
from popups.delivery.states import STATES, State
from popups.keys import Layout
from popups.models import Popup
from users.models import User

MAX_POPUPS = 200


class Line(NamedTuple):
    """One popup of a dry run: whether it would be shown, else the reason against it."""

    popup: Popup
    is_next: bool
    reason: str


class DryRun(NamedTuple):
    """The newest MAX_POPUPS popups in the order of the decision, the user's state, and when to ask again."""

    lines: list[Line]
    state: State
    next_at: datetime | None


def run(user: User, client: ClientContext) -> DryRun:
    """Decide for a user and a client without claiming; raises Unavailable."""
    layout, batch = layouts.read(), Batch()
    shard = layout.shard_of(user.pk)
    found, version = batch.add(STATES.in_shard(shard, user.pk)), batch.add(VERSIONS.of_shard(shard))
    batch.run()
    state, snapshot, now_ms = found.result, config_cache.current(version.result, shard.number), to_ms(timezone.now())
    configs = snapshot.placements.get(client.placement, ())
    capped_out = _capped_out(configs, layout)
    histories, until_ms = state.by_popup(), quiet_until(state.histories, snapshot.quiet_ms)
    decision = decide(configs, user, histories, client, quiet_until_ms=until_ms, capped_out=capped_out, now_ms=now_ms)

    def line(popup: Popup, config: CompiledConfig | None) -> Line:
        if config is None:
            return Line(popup, False, _reason_for_absence(popup, now_ms))
        eligibility = explain(config, user, histories.get(config.key, NEVER_SHOWN), client, until_ms, capped_out)
        is_next = decision.due is not None and decision.due.id == config.id
        return Line(popup, is_next, "" if is_next else _describe(eligibility, now_ms))

    ranked = {config.id: config for config in configs}
    ranks = {popup_id: rank for rank, popup_id in enumerate(ranked)}
    lines = [line(popup, ranked.get(popup.pk)) for popup in Popup.objects.order_by("-pk")[:MAX_POPUPS]]
    lines.sort(key=lambda line: (ranks.get(line.popup.pk, len(ranks)), -line.popup.pk))
    next_at = None if decision.next_ms is None or decision.due else _at(decision.next_ms)
    return DryRun(lines, state, next_at)


def _capped_out(configs: Sequence[CompiledConfig], layout: Layout) -> set[int]:
    caps = {config.id: config.total_cap for config in configs if config.total_cap is not None}
    shown = quotas.showings_of([*caps], layout)
    return {popup_id for popup_id, cap in caps.items() if shown[popup_id] >= cap}


def _reason_for_absence(popup: Popup, now_ms: int) -> str:
    """Return why a popup is not among the configs of the placement."""
    try:
        config = compile_config(popup)
    except InvalidConfig as error:
        return f"broken: {error}"
    if not popup.is_active:
        return "switched off"
    if config.ends_ms <= now_ms:
        return f"over since {_format(config.ends_ms)}"
    return f"it is for the placement {popup.placement}"


def _describe(eligibility: Eligibility, now_ms: int) -> str:
    if eligibility.from_ms is None:
        return eligibility.reason
    if eligibility.from_ms > now_ms:
        return f"not before {_format(eligibility.from_ms)}: {eligibility.reason}"
    return "due, but another one comes first"


def _at(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def _format(at_ms: int) -> str:
    return f"{_at(at_ms):%Y-%m-%d %H:%M:%S} UTC"
