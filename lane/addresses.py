"""Which requests the hot lane answers: those of a room's ADDRESSES, where nothing about them is odd."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from api.ids import is_id
from api.reads import Read

IDS = r"([0-9,]+)"
FIELDS = r"([a-z_,]+)"


class Address:
    """`read(batch, caller_id, …)` gets the id in the path, if it ends in {id}, and the groups that the regular
    expression `query` has found in the whole query; where it raises a Problem, Django tells it."""

    def __init__(self, path: str, query: str, read: Callable[..., Read]) -> None:
        self.path = path
        self.query = re.compile(query, re.ASCII)
        self.read = read


class Addresses:
    def __init__(self, prefix: str, addresses: Iterable[Address]) -> None:
        self._by_path = {prefix + each.path: each for each in addresses}

    def find(self, path: str, query: bytes) -> tuple[Address, tuple[Any, ...]] | None:
        """The address of a request, and the arguments that its read takes besides batch and caller."""
        ids: tuple[int, ...] = ()
        address = self._by_path.get(path)
        if address is None:
            parent, _, last = path.rpartition("/")
            address = self._by_path.get(parent + "/{id}")
            if address is None or not is_id(last):
                return None
            ids = (int(last),)
        match = address.query.fullmatch(_plain(query))
        return match and (address, (*ids, *match.groups()))


def _plain(query: bytes) -> str:
    """Clients may, and many do, encode commas and colons."""
    text = query.decode("latin-1")
    return re.sub("%2c", ",", re.sub("%3a", ":", text, flags=re.I), flags=re.I) if "%" in text else text
