"""Which requests the hot lane answers: those of a room's ADDRESSES, where nothing about them is odd."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from api.ids import is_id
from api.reads import Read

IDS = r"([0-9,]+)"
FIELDS = r"([a-z_,]+)"
ID = "/{id}"


class Route:
    """`read(batch, caller_id, …)` gets the id in the path, if it ends in {id}, and the groups that the regular
    expression `query` has found in the whole query; where it raises a Problem, Django tells it."""

    def __init__(self, path: str, query: str, read: Callable[..., Read]) -> None:
        self.path = path
        self.query = re.compile(query, re.ASCII)
        self.read = read


class Routes:
    def __init__(self, prefix: str, addresses: Iterable[Route]) -> None:
        by_path = {prefix + each.path: each for each in addresses}
        self._plain = {path: each for path, each in by_path.items() if not path.endswith(ID)}
        self._by_parent = {path.removesuffix(ID): each for path, each in by_path.items() if path.endswith(ID)}

    def find(self, path: str, query: bytes) -> tuple[Route, tuple[Any, ...]] | None:
        """The address of a request, and the arguments that its read takes besides batch and caller."""
        ids: tuple[int, ...] = ()
        address = self._plain.get(path)
        if address is None:
            parent, _, last = path.rpartition("/")
            address = self._by_parent.get(parent)
            if address is None or not is_id(last):
                return None
            ids = (int(last),)
        text = query.decode("latin-1")
        match = address.query.fullmatch(_unquoted(text) if "%" in text else text)
        return match and (address, (*ids, *match.groups()))


def _unquoted(query: str) -> str:
    """Clients may, and many do, encode commas and colons."""
    return re.sub("%2c", ",", re.sub("%3a", ":", query, flags=re.I), flags=re.I)
