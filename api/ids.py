"""Ids in addresses and queries: positive 64-bit integers in plain ASCII digits."""

import re

from django.http import QueryDict

from api.problems import bad_input

LARGEST = 2**63 - 1
CAP = 100
_DIGITS = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
# Ids of up to 18 digits cannot exceed the largest one, so a list of them is judged at once.
_ALL_SHORT = re.compile(r"[1-9][0-9]{0,17}(?:,[1-9][0-9]{0,17})*", re.ASCII)


def is_id(text: str) -> bool:
    return bool(_DIGITS.fullmatch(text)) and int(text) <= LARGEST


def parse_id(text: str, field: str = "id") -> int:
    if not is_id(text):
        raise bad_input(field, "An id is a whole number from 1 to 9223372036854775807.", "bad_id")
    return int(text)


def parse_ids(query: QueryDict, *, cap: int = CAP, field: str = "ids") -> list[int]:
    """The ids of `?ids=3,1,2`, as `ids_of` has them."""
    return ids_of(",".join(query.getlist(field)), cap=cap, field=field)


def ids_of(text: str, *, cap: int = CAP, field: str = "ids") -> list[int]:
    """The ids of "3,1,2" in the order asked, duplicates removed; at most `cap` counted with duplicates."""
    texts = text.split(",")
    if texts == [""]:
        raise bad_input(field, f"Give 1 to {cap} ids, separated by commas.", "no_ids")
    if len(texts) > cap:
        raise bad_input(field, f"At most {cap} ids at once; you asked for {len(texts)}.", "too_many_ids")
    if _ALL_SHORT.fullmatch(text):
        return list(dict.fromkeys(map(int, texts)))
    return list(dict.fromkeys(parse_id(each, field) for each in texts))
