"""Which popup a user is due, and when to ask again. No clock, no database: the same input gives the same answer."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from popups.config.compile import NEVER_ENDS_MS, Audience, ClientContext, Config
from popups.delivery.states import Seen

NOTHING = Seen("")
# What a user may have to wait for, in the order of `_waits`.
WHY = (
    "its window begins", "global quiet time after a popup", "re-show interval after it was shown",
    "cooldown after a click",
)  # fmt: skip


class Verdict(NamedTuple):
    """Of one config for one user: from when on it may be shown (ms), or None for never as things are; and why not
    earlier."""

    from_ms: int | None
    why: str


class Decision(NamedTuple):
    """`due` is None for nothing. `next_ms`: the earliest time at which something may be due; None: nothing in sight."""

    due: Config | None
    from_ms: int
    next_ms: int | None


def decide(
    configs: Sequence[Config], user: Audience, seen: Mapping[str, Seen], asked: ClientContext, *, quiet_until_ms: int,
    spent: Collection[int], now_ms: int,
) -> Decision:  # fmt: skip
    """The first that is due of the configs of a placement, which come in the order of their rank.

    `seen` is by popup; `spent` are the popups whose cap in total is known to be reached.
    """
    next_ms = NEVER_ENDS_MS
    for config in configs:
        mine = seen.get(config.key)
        if mine is None:
            mine, from_ms = NOTHING, max(config.starts_ms, quiet_until_ms)
        else:
            from_ms = max(_waits(config, mine, quiet_until_ms))
        # Times first: they are cheap, and where they say no it does not matter whom it is for.
        if from_ms >= config.ends_ms or now_ms >= config.ends_ms or (from_ms > now_ms and from_ms >= next_ms):
            continue
        if _objection(config, user, mine, asked, spent):
            continue
        if from_ms <= now_ms:
            return Decision(config, from_ms, now_ms)
        next_ms = from_ms
    return Decision(None, 0, None if next_ms == NEVER_ENDS_MS else next_ms)


def explain(
    config: Config, user: Audience, seen: Seen, asked: ClientContext, quiet_until_ms: int, spent: Collection[int]
) -> Verdict:
    """The same of one config, with the reason."""
    if why := _objection(config, user, seen, asked, spent):
        return Verdict(None, why)
    waits = _waits(config, seen, quiet_until_ms)
    from_ms, why = max(waits), WHY[waits.index(max(waits))]
    if from_ms >= config.ends_ms:
        return Verdict(None, f"its window ends before it may be shown: {why}")
    return Verdict(from_ms, why)


def quiet_until(rows: Iterable[Seen], quiet_ms: int) -> int:
    if not quiet_ms:
        return 0
    last_ms = max([row.shown_ms for row in rows], default=0)
    return last_ms and last_ms + quiet_ms


def _waits(config: Config, seen: Seen, quiet_until_ms: int) -> tuple[int, int, int, int]:
    return (
        config.starts_ms,
        quiet_until_ms,
        seen.shown_ms and seen.shown_ms + config.reshow_ms,
        seen.clicked_ms and seen.clicked_ms + config.click_cooldown_ms,
    )


def _objection(config: Config, user: Audience, seen: Seen, asked: ClientContext, spent: Collection[int]) -> str:
    """What does not pass with time; "" if there is nothing."""
    if config.id in spent:
        return "the cap in total is reached"
    if config.user_cap is not None and seen.shown >= config.user_cap:
        return f"the user's cap of {config.user_cap} is reached"
    for why, admits in config.conditions:
        if not admits(user, asked):
            return why
    return ""


def ranked(configs: Iterable[Config]) -> tuple[Config, ...]:
    """The greatest priority first; among equals the one with the smallest id, always."""
    return tuple(sorted(configs, key=lambda config: (-config.priority, config.id)))
