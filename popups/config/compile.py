"""Compilation of popup configs, so that a condition that is not set costs a request nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple, Protocol

from popups import rules
from popups.config import locales
from popups.versions import ABOVE_ALL, BELOW_ALL, Version, parse_version

NEVER_ENDS_MS = 2**53  # Lua's numbers are exact up to here
HOUR_MS = 3_600_000


class InvalidConfig(Exception):
    """The row breaks the rules that the admin's form enforces; the message lists the problems."""


class Audience(Protocol):
    """The columns of a user that conditions compare: of a cached row or of an instance."""

    id: int
    country: str
    language: str
    level: int
    is_vip: bool


class ClientContext(NamedTuple):
    """The placement, platform and version that a client sends. `platform` is in lower case; "" and None if not sent."""

    placement: str
    platform: str = ""
    app_version: Version | None = None


_remembered = lru_cache(maxsize=200)  # of what users say; compared with most popups again and again
Condition = tuple[str, Callable[[Audience, ClientContext], bool]]


@dataclass(frozen=True, slots=True)
class CompiledConfig:
    """A config as requests use it.

    `key` is the id as states have it. Times are in ms since 1970. `conditions` are (reason for a refusal, predicate),
    without those that depend on time.
    """

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


def compile_config(row: Any) -> CompiledConfig:
    """Compile a row or an instance of Popup; raises InvalidConfig."""
    if problems := rules.find_problems(row):
        raise InvalidConfig("; ".join(f"{name}: {problem}" for name, problem in problems.items()))
    return CompiledConfig(
        id=row.id,
        key=str(row.id),
        placement=row.placement.lower(),
        priority=row.priority,
        starts_ms=to_ms(row.starts_at),
        ends_ms=NEVER_ENDS_MS if row.ends_at is None else to_ms(row.ends_at),
        conditions=(*_user_conditions(row), *_client_conditions(row), *_rollout_conditions(row.id, row.percentage)),
        user_cap=row.user_cap,
        total_cap=row.total_cap,
        reshow_ms=round(row.reshow_hours * HOUR_MS),
        click_cooldown_ms=round(row.click_cooldown_hours * HOUR_MS),
        content={name: getattr(row, name) for name in ("id", "title", "body", "image", "link")},
    )


def to_ms(at: datetime) -> int:
    """Return a time in ms since 1970."""
    return round(at.timestamp() * 1000)


def rollout_bucket(user_id: int, popup_id: int) -> int:
    """Return 0 to 99, always the same for a user and a popup, and independent between popups."""
    digest = blake2b(b"%d:%d" % (popup_id, user_id), digest_size=8).digest()
    return int.from_bytes(digest, "big") % 100


def _user_conditions(row: Any) -> list[Condition]:
    found: list[Condition] = []
    if countries := frozenset(map(locales.country_wanted, rules.split_list(row.countries))):
        comes_from = _remembered(lambda country: not countries.isdisjoint(locales.countries_met(country)))
        found.append(("it is for other countries", lambda user, _: comes_from(user.country)))
    if languages := frozenset().union(*map(locales.languages_wanted, rules.split_list(row.languages))):
        speaks = _remembered(lambda language: not languages.isdisjoint(locales.languages_met(language)))
        found.append(("it is for other languages", lambda user, _: speaks(user.language)))
    if (lowest := row.min_level) is not None:
        found.append(("the user's level is too low", lambda user, _: user.level >= lowest))
    if (highest := row.max_level) is not None:
        found.append(("the user's level is too high", lambda user, _: user.level <= highest))
    if row.vip:
        wanted = row.vip == "only"
        reason = "it is for VIPs only" if wanted else "it is not for VIPs"
        found.append((reason, lambda user, _: bool(user.is_vip) == wanted))
    return found


def _client_conditions(row: Any) -> list[Condition]:
    found: list[Condition] = []
    if platforms := frozenset(rules.split_list(row.platforms)):
        found.append(("it is for other platforms", lambda _, client: client.platform in platforms))
    # A client without a version meets neither limit.
    if oldest := parse_version(row.min_version):
        found.append(("the version is too old", lambda _, client: (client.app_version or BELOW_ALL) >= oldest))
    if newest := parse_version(row.max_version):
        found.append(("the version is too new", lambda _, client: (client.app_version or ABOVE_ALL) <= newest))
    return found


def _rollout_conditions(popup_id: int, percentage: int) -> list[Condition]:
    if percentage == 100:
        return []
    reason = f"the user is not among the {percentage} %"
    return [(reason, lambda user, _: rollout_bucket(user.id, popup_id) < percentage)]
