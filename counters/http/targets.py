"""Targets in queries: a kind and an id, such as user:7."""

import re
from functools import cache

from api.ids import LARGEST, is_id
from api.problems import bad_input
from counters import registry

CAP = 200
FIELD = "targets"


def targets_of(text: str) -> list[str]:
    """The targets of "post:1,user:7", duplicates removed; raises the 400s."""
    texts = text.split(",")
    if texts == [""]:
        raise bad_input(FIELD, f"Give 1 to {CAP} targets such as user:7, separated by commas.", "no_targets")
    if len(texts) > CAP:
        raise bad_input(FIELD, f"At most {CAP} targets at once; you asked for {len(texts)}.", "too_many_targets")
    known = registry.kinds()
    if _all_short(*known).fullmatch(text):
        return list(dict.fromkeys(texts))
    for each in texts:
        kind, colon, target_id = each.partition(":")
        if not colon or not is_id(target_id):
            raise bad_input(FIELD, f"A target is a kind and an id from 1 to {LARGEST}, such as user:7.", "bad_target")
        if kind not in known:
            raise bad_input(FIELD, f"Nothing is counted for {kind[:40]!r}.", "unknown_kind")
    return list(dict.fromkeys(texts))


@cache
def _all_short(*kinds: str) -> re.Pattern[str]:
    """Targets of these kinds. Ids of up to 18 digits cannot exceed the largest one."""
    one = f"(?:{'|'.join(kinds)}):[1-9][0-9]{{0,17}}"
    return re.compile(f"{one}(?:,{one})*", re.ASCII)
