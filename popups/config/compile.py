"""Configs as requests use them: compiled once, so that a condition nobody set costs nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any, NamedTuple, Protocol

from popups import rules

NEVER_ENDS_MS = 2**53  # Lua's numbers are exact up to here
HOUR_MS = 3_600_000
UNSAID_OLD, UNSAID_NEW = (-1,), (10**9,)  # a version that was not said meets no limit


class InvalidConfig(Exception):
    """A row that no form would have let pass; says what is wrong with it."""


class Audience(Protocol):
    """What is asked of a user: a cached row or an instance."""

    id: int
    country: str
    language: str
    level: int
    is_vip: bool


class ClientContext(NamedTuple):
    """Where a client asks from. `platform` is in lower case; "" and None: it did not say."""

    placement: str
    platform: str = ""
    app_version: rules.Version | None = None


Condition = tuple[str, Callable[[Audience, ClientContext], bool]]


@dataclass(frozen=True, slots=True)
class Config:
    """`key`: the id as a state has it. Times are in ms since 1970. `conditions`: those that do not pass with time, each
    with what it is called."""

    id: int
    key: str
    placement: str
    priority: int
    starts_ms: int
    ends_ms: int
    conditions: tuple[Condition, ...]
    user_cap: int | None
    total_cap: int | None
    reshow_ms: int
    click_cooldown_ms: int
    content: dict[str, Any]


def compile_config(row: Any) -> Config:
    """Of a row or an instance of Popup; raises Broken."""
    if problems := rules.problems(row):
        raise InvalidConfig("; ".join(f"{name}: {problem}" for name, problem in problems.items()))
    return Config(
        id=row.id,
        key=str(row.id),
        placement=row.placement.lower(),
        priority=row.priority,
        starts_ms=to_ms(row.starts_at),
        ends_ms=NEVER_ENDS_MS if row.ends_at is None else to_ms(row.ends_at),
        conditions=tuple(_conditions(row)),
        user_cap=row.user_cap,
        total_cap=row.total_cap,
        reshow_ms=round(row.reshow_hours * HOUR_MS),
        click_cooldown_ms=round(row.click_cooldown_hours * HOUR_MS),
        content={name: getattr(row, name) for name in ("id", "title", "body", "image", "link")},
    )


def to_ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def share(user_id: int, popup_id: int) -> int:
    """From 0 to 99, always the same for a user and a popup, and independent from popup to popup."""
    digest = blake2b(b"%d:%d" % (popup_id, user_id), digest_size=8).digest()
    return int.from_bytes(digest, "big") % 100


def _conditions(row: Any) -> list[Condition]:
    return [
        *_of_the_user(row, frozenset(rules.words(row.countries)), frozenset(rules.words(row.languages))),
        *_of_the_client(row, frozenset(rules.words(row.platforms))),
        *_of_the_share(row.id, row.percentage),
    ]


def _of_the_user(row: Any, countries: frozenset[str], languages: frozenset[str]) -> list[Condition]:
    found: list[Condition] = []
    if countries:
        found.append(("it is for other countries", lambda user, _: user.country.lower() in countries))
    if languages:
        found.append(("it is for other languages", lambda user, _: _speaks(user.language.lower(), languages)))
    if (lowest := row.min_level) is not None:
        found.append(("the user's level is too low", lambda user, _: user.level >= lowest))
    if (highest := row.max_level) is not None:
        found.append(("the user's level is too high", lambda user, _: user.level <= highest))
    if row.vip:
        wanted = row.vip == "only"
        why = "it is for VIPs only" if wanted else "it is not for VIPs"
        found.append((why, lambda user, _: bool(user.is_vip) == wanted))
    return found


def _of_the_client(row: Any, platforms: frozenset[str]) -> list[Condition]:
    found: list[Condition] = []
    if platforms:
        found.append(("it is for other platforms", lambda _, asked: asked.platform in platforms))
    if oldest := rules.parse_version(row.min_version):
        found.append(("the version is too old", lambda _, asked: (asked.app_version or UNSAID_OLD) >= oldest))
    if newest := rules.parse_version(row.max_version):
        found.append(("the version is too new", lambda _, asked: (asked.app_version or UNSAID_NEW) <= newest))
    return found


def _of_the_share(popup_id: int, percentage: int) -> list[Condition]:
    if percentage == 100:
        return []
    return [(f"the user is not among the {percentage} %", lambda user, _: share(user.id, popup_id) < percentage)]


def _speaks(language: str, wanted: frozenset[str]) -> bool:
    """`zh` is spoken by whoever has zh-CN."""
    return language in wanted or language.replace("_", "-").partition("-")[0] in wanted
