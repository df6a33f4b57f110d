"""How many keys the writers of this process have held, by what their keys say of the kind of entry."""

from collections.abc import Collection

from ..counts import Counts
from ..databases import key_prefix

OTHER = ("other", "")
"""Of keys that applications make up by themselves."""
LOOKUP = "lookup"
held: Counts[tuple[str, str]] = Counts()
"""By group_of a key."""


def count(using: str, keys: Collection[str]) -> None:
    """Count keys of a database that were held."""
    begin = key_prefix(using)
    for key in keys:
        held.add(group_of(key, begin))


def group_of(key: str, begin: str) -> tuple[str, str]:
    """Return of a key that starts with `begin`: (kind, name) for what is derived, (model label, "" or LOOKUP) for rows.

    There are as many groups as declarations, whatever the keys tell of.
    """
    if not key.startswith(begin):
        return OTHER
    first, second, *more = key[len(begin) :].split(":", 2)
    if "." not in first:
        return first, second
    return first, LOOKUP if more else ""
