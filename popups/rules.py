"""Validation of popup configs: one set of rules for the admin's form and for code that reads the table."""

import math
import re
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError

from api.ids import LARGEST
from api.links import WEB, may_run, validate_link
from popups.versions import parse_version

SLUG_LENGTH = 32
_SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*", re.ASCII)
_VERSION = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9}){0,3}(?:-[A-Za-z][0-9A-Za-z.-]*)?", re.ASCII)
_LISTS = ("countries", "languages", "platforms")
_LONGEST_HOURS = 10 * 366 * 24
_LARGEST_CAP = 2**31 - 1


def is_slug(text: str) -> bool:
    """Return whether a text can name a placement, a platform, a country or a language."""
    return len(text) <= SLUG_LENGTH and bool(_SLUG.fullmatch(text))


def split_list(text: str) -> list[str]:
    """Return the items of a comma-separated list, in lower case."""
    return [item.strip().lower() for item in text.split(",") if item.strip()]


def normalize(popup: Any) -> None:
    """Remove the spaces around the values of a popup and of its lists, in place."""
    popup.placement = popup.placement.strip()
    for name in _LISTS:
        setattr(popup, name, ", ".join(part.strip() for part in getattr(popup, name).split(",") if part.strip()))
    for name in ("min_version", "max_version"):
        setattr(popup, name, getattr(popup, name).strip())


def find_problems(popup: Any) -> dict[str, str]:
    """Return {column: problem} of a popup's row or instance; {} if it is valid."""
    found: dict[str, str] = {}
    for check in (_content, _window, _lists, _versions, _levels, _numbers):
        for name, problem in check(popup):
            found.setdefault(name, problem)
    return found


def find_link_problems(popup: Any, schemes: Collection[str]) -> dict[str, str]:
    """Return {column: problem} of the links of a popup that is edited.

    A stored link of another scheme of an app stays valid, as the list of schemes is a setting.
    """
    found: dict[str, str] = {}
    for name, allowed in (("image", WEB), ("link", schemes)):
        try:
            if text := getattr(popup, name):
                validate_link(text, allowed)
        except ValidationError as error:
            found[name] = error.messages[0]
    return found


def _content(popup: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(popup.title, str) or not popup.title.strip():
        yield "title", "Give it a title."
    for name in ("body", "image", "link"):
        if not isinstance(getattr(popup, name), str):
            yield name, "This is no text."
        elif may_run(getattr(popup, name)) and name != "body":
            yield name, "This is no address, but a script or data."
    if not isinstance(popup.placement, str) or not is_slug(popup.placement):
        yield "placement", "A placement is a word of letters, digits, dashes and underscores, such as home."


def _window(popup: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(popup.starts_at, datetime):
        yield "starts_at", "Give the time of its beginning."
    elif popup.ends_at is not None and not isinstance(popup.ends_at, datetime):
        yield "ends_at", "This is no time."
    elif popup.ends_at is not None and popup.ends_at <= popup.starts_at:
        yield "ends_at", "It would end before it begins."


def _lists(popup: Any) -> Iterator[tuple[str, str]]:
    for name in _LISTS:
        value = getattr(popup, name)
        if not isinstance(value, str) or not all(is_slug(item) for item in split_list(value)):
            yield name, "Separate words such as CN or zh-CN by commas."


def _versions(popup: Any) -> Iterator[tuple[str, str]]:
    parsed = []
    for name in ("min_version", "max_version"):
        text = getattr(popup, name)
        version = parse_version(text) if isinstance(text, str) and _VERSION.fullmatch(text) else None
        if text != "" and version is None:
            yield name, "A version is 1 to 4 numbers with dots between, such as 3.2.0 or 3.2.0-beta."
        parsed.append(version)
    lowest, highest = parsed
    if lowest and highest and lowest > highest:
        yield "max_version", "No version is between these two."


def _levels(popup: Any) -> Iterator[tuple[str, str]]:
    lowest, highest = popup.min_level, popup.max_level
    for name, value in (("min_level", lowest), ("max_level", highest)):
        if value is not None and not _is_number(value, 0, LARGEST):
            yield name, "A level is a whole number from 0."
            return
    if lowest is not None and highest is not None and lowest > highest:
        yield "max_level", "No level is between these two."


def _numbers(popup: Any) -> Iterator[tuple[str, str]]:
    if not _is_number(popup.priority, -LARGEST, LARGEST):
        yield "priority", "A priority is a whole number."
    if not _is_number(popup.percentage, 0, 100):
        yield "percentage", "A percentage is a whole number from 0 to 100."
    if popup.vip not in ("", "only", "never"):
        yield "vip", "This is none of the choices."
    for name in ("user_cap", "total_cap"):
        if (cap := getattr(popup, name)) is not None and not _is_number(cap, 1, _LARGEST_CAP):
            yield name, "A cap is a whole number from 1; leave it empty for none."
    for name in ("reshow_hours", "click_cooldown_hours"):
        hours = getattr(popup, name)
        if not isinstance(hours, float | int) or not math.isfinite(hours) or not 0 <= hours <= _LONGEST_HOURS:
            yield name, f"Give hours from 0 to {_LONGEST_HOURS:,}."


def _is_number(value: Any, low: int, high: int) -> bool:
    return type(value) is int and low <= value <= high
