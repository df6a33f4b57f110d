"""Which popup a user is due, and when to ask again. No clock, no database: the same input gives the same answer."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from popups.configs import Asked, Config, Person
from popups.states import Seen, State

NOTHING = Seen("")


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
    configs: Sequence[Config], user: Person, state: State, asked: Asked, *, quiet_ms: int, spent: Collection[int],
    now_ms: int,
) -> Decision:  # fmt: skip
    """The first that is due of the configs of a placement, which come in the order of their rank.

    `spent` are the popups whose cap in total is known to be reached.
    """
    seen, quiet_until_ms, next_ms = state.seen(), quiet_until(state, quiet_ms), None
    for config in configs:
        from_ms, _ = judge(config, user, seen.get(config.id, NOTHING), asked, quiet_until_ms, spent)
        if from_ms is None:
            continue
        if from_ms <= now_ms < config.ends_ms:
            return Decision(config, from_ms, now_ms)
        if now_ms < from_ms and (next_ms is None or from_ms < next_ms):
            next_ms = from_ms
    return Decision(None, 0, next_ms)


def quiet_until(state: State, quiet_ms: int) -> int:
    last_ms = max([row.shown_ms for row in state.rows], default=0)
    return last_ms and last_ms + quiet_ms


def judge(
    config: Config, user: Person, seen: Seen, asked: Asked, quiet_until_ms: int, spent: Collection[int]
) -> Verdict:
    if config.id in spent:
        return Verdict(None, "the cap in total is reached")
    for name, admits in config.conditions:
        if not admits(user, asked):
            return Verdict(None, name)
    if config.user_cap is not None and seen.shown >= config.user_cap:
        return Verdict(None, f"the user's cap of {config.user_cap} is reached")
    from_ms, why = max(_waits(config, seen, quiet_until_ms))
    if from_ms >= config.ends_ms:
        return Verdict(None, f"its window ends before it may be shown: {why}")
    return Verdict(from_ms, why)


def _waits(config: Config, seen: Seen, quiet_until_ms: int) -> Iterator[tuple[int, str]]:
    yield config.starts_ms, "its window begins"
    yield quiet_until_ms, "global quiet time after a popup"
    if seen.shown_ms:
        yield seen.shown_ms + config.reshow_ms, "re-show interval after it was shown"
    if seen.clicked_ms:
        yield seen.clicked_ms + config.click_cooldown_ms, "cooldown after a click"


def ranked(configs: Iterable[Config]) -> tuple[Config, ...]:
    """The greatest priority first; among equals the one with the smallest id, always."""
    return tuple(sorted(configs, key=lambda config: (-config.priority, config.id)))
