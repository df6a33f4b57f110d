"""Parsing of the targets in a query: a kind and an id each, such as user:7."""

import re
from functools import cache

from api.ids import LARGEST, is_id
from api.problems import bad_input
from counters import registry

MAX_TARGETS = 200
FIELD = "targets"


def targets_of(text: str) -> list[str]:
    """Return the targets of "post:1,user:7" without duplicates; raises Problem with status 400."""
    texts = text.split(",")
    if texts == [""]:
        raise bad_input(FIELD, f"Give 1 to {MAX_TARGETS} targets such as user:7, separated by commas.", "no_targets")
    if len(texts) > MAX_TARGETS:
        message = f"At most {MAX_TARGETS} targets at once; you asked for {len(texts)}."
        raise bad_input(FIELD, message, "too_many_targets")
    known = registry.kinds()
    if _short_targets(*known).fullmatch(text):
        return list(dict.fromkeys(texts))
    for each in texts:
        kind, colon, target_id = each.partition(":")
        if not colon or not is_id(target_id):
            raise bad_input(FIELD, f"A target is a kind and an id from 1 to {LARGEST}, such as user:7.", "bad_target")
        if kind not in known:
            raise bad_input(FIELD, f"Nothing is counted for {kind[:40]!r}.", "unknown_kind")
    return list(dict.fromkeys(texts))


@cache
def _short_targets(*kinds: str) -> re.Pattern[str]:
    """Return a pattern of targets of some kinds, with ids of up to 18 digits, which cannot exceed the largest id."""
    target = f"(?:{'|'.join(kinds)}):[1-9][0-9]{{0,17}}"
    return re.compile(f"{target}(?:,{target})*", re.ASCII)
