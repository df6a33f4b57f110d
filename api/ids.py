"""Ids in paths and queries: positive 64-bit integers in ASCII digits."""

import re

from django.http import QueryDict

from api.problems import bad_input

LARGEST = 2**63 - 1
CAP = 100
_DIGITS = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
# Ids of up to 18 digits cannot exceed the largest id, so one match validates a whole list of them.
_ALL_SHORT = re.compile(r"[1-9][0-9]{0,17}(?:,[1-9][0-9]{0,17})*", re.ASCII)


def is_id(text: str) -> bool:
    """Return whether the text is an id."""
    return bool(_DIGITS.fullmatch(text)) and int(text) <= LARGEST


def parse_id(text: str, field: str = "id") -> int:
    """Return an id; raise the 400 `bad_id` for `field` if the text is none."""
    if not is_id(text):
        raise bad_input(field, "An id is a whole number from 1 to 9223372036854775807.", "bad_id")
    return int(text)


def parse_ids(query: QueryDict, *, cap: int = CAP, field: str = "ids") -> list[int]:
    """Return the ids of `?ids=3,1,2`; see split_ids()."""
    return split_ids(",".join(query.getlist(field)), cap=cap, field=field)


def split_ids(text: str, *, cap: int = CAP, field: str = "ids") -> list[int]:
    """Return the ids of "3,1,2" in this order, without duplicates; raise the 400s of a bad list.

    A list has 1 to `cap` ids, counted with duplicates.
    """
    texts = text.split(",")
    if texts == [""]:
        raise bad_input(field, f"Give 1 to {cap} ids, separated by commas.", "no_ids")
    if len(texts) > cap:
        raise bad_input(field, f"At most {cap} ids at once; you asked for {len(texts)}.", "too_many_ids")
    if _ALL_SHORT.fullmatch(text):
        return list(dict.fromkeys(map(int, texts)))
    return list(dict.fromkeys(parse_id(each, field) for each in texts))
