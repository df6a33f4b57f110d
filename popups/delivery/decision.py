"""Which popup a user is due, and when to ask again. No clock, no database: the same input gives the same answer."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from popups.config.compile import NEVER_ENDS_MS, Audience, ClientContext, CompiledConfig
from popups.delivery.states import PopupHistory

NEVER_SHOWN = PopupHistory("")
# The reasons of waiting, in the order of `_earliest_times`.
WAIT_REASONS = (
    "its window begins", "global quiet time after a popup", "re-show interval after it was shown",
    "cooldown after a click",
)  # fmt: skip


class Eligibility(NamedTuple):
    """From when on a popup may be shown to a user (ms), None for never as things are; and the reason if not earlier."""

    from_ms: int | None
    reason: str


class Decision(NamedTuple):
    """The config to show, or None. `next_ms`: the earliest time at which a popup may be due; None if not foreseen."""

    due: CompiledConfig | None
    from_ms: int
    next_ms: int | None


def decide(
    configs: Sequence[CompiledConfig], user: Audience, histories: Mapping[str, PopupHistory], client: ClientContext, *,
    quiet_until_ms: int, capped_out: Collection[int], now_ms: int,
) -> Decision:  # fmt: skip
    """Return the first config of a placement that is due; `configs` come in the order of their rank.

    `histories`: by popup. `capped_out`: ids of the popups that are known to have reached their total cap.
    """
    next_ms = NEVER_ENDS_MS
    for config in configs:
        history = histories.get(config.key)
        if history is None:
            history, from_ms = NEVER_SHOWN, max(config.starts_ms, quiet_until_ms)
        else:
            from_ms = max(_earliest_times(config, history, quiet_until_ms))
        # Times first: they are cheap, and a config that they exclude needs no other check.
        if from_ms >= config.ends_ms or now_ms >= config.ends_ms or (from_ms > now_ms and from_ms >= next_ms):
            continue
        if _rejection(config, user, history, client, capped_out):
            continue
        if from_ms <= now_ms:
            return Decision(config, from_ms, now_ms)
        next_ms = from_ms
    return Decision(None, 0, None if next_ms == NEVER_ENDS_MS else next_ms)


def explain(
    config: CompiledConfig, user: Audience, history: PopupHistory, client: ClientContext, quiet_until_ms: int,
    capped_out: Collection[int],
) -> Eligibility:  # fmt: skip
    """Return when one config may be shown to a user, by the rules of decide(), with the reason."""
    if reason := _rejection(config, user, history, client, capped_out):
        return Eligibility(None, reason)
    times = _earliest_times(config, history, quiet_until_ms)
    from_ms, reason = max(times), WAIT_REASONS[times.index(max(times))]
    if from_ms >= config.ends_ms:
        return Eligibility(None, f"its window ends before it may be shown: {reason}")
    return Eligibility(from_ms, reason)


def quiet_until(histories: Iterable[PopupHistory], quiet_ms: int) -> int:
    """Return the end of the quiet time after a user's last showing (ms); 0 if there is none."""
    if not quiet_ms:
        return 0
    last_ms = max([history.shown_ms for history in histories], default=0)
    return last_ms and last_ms + quiet_ms


def _earliest_times(config: CompiledConfig, history: PopupHistory, quiet_until_ms: int) -> tuple[int, int, int, int]:
    return (
        config.starts_ms,
        quiet_until_ms,
        history.shown_ms and history.shown_ms + config.reshow_ms,
        history.clicked_ms and history.clicked_ms + config.click_cooldown_ms,
    )


def _rejection(
    config: CompiledConfig, user: Audience, history: PopupHistory, client: ClientContext, capped_out: Collection[int]
) -> str:
    """Return the reason that does not depend on time; "" if there is none."""
    if config.id in capped_out:
        return "the cap in total is reached"
    if config.user_cap is not None and history.shown >= config.user_cap:
        return f"the user's cap of {config.user_cap} is reached"
    for reason, admits in config.conditions:
        if not admits(user, client):
            return reason
    return ""
