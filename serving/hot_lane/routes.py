"""The requests that the hot lane answers: each room declares them in ROUTES, in their usual form only."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from api.ids import is_id
from api.reads import Read

IDS = r"([0-9,]+)"
FIELDS = r"([a-z_,]+)"
ID = "/{id}"


class Route:
    """A path and a regular expression for the whole query, with the read that answers them.

    `read(batch, caller_id, …)` gets the id in the path, if the path ends in /{id}, then the groups of `query`. If it
    raises a Problem, Django answers the request.
    """

    def __init__(self, path: str, query: str, read: Callable[..., Read]) -> None:
        self.path = path
        self.query = re.compile(query, re.ASCII)
        self.read = read


class Routes:
    """Routes by their paths, each below `prefix`."""

    def __init__(self, prefix: str, routes: Iterable[Route]) -> None:
        by_path = {prefix + route.path: route for route in routes}
        self._constant = {path: route for path, route in by_path.items() if not path.endswith(ID)}
        self._by_parent = {path.removesuffix(ID): route for path, route in by_path.items() if path.endswith(ID)}

    def find(self, path: str, query: bytes) -> tuple[Route, tuple[Any, ...]] | None:
        """Return a request's route, and the arguments of its read after batch and caller; None if no route matches."""
        ids: tuple[int, ...] = ()
        route = self._constant.get(path)
        if route is None:
            parent, _, last = path.rpartition("/")
            route = self._by_parent.get(parent)
            if route is None or not is_id(last):
                return None
            ids = (int(last),)
        text = query.decode("latin-1")
        match = route.query.fullmatch(_unquote(text) if "%" in text else text)
        return match and (route, (*ids, *match.groups()))


def _unquote(query: str) -> str:
    """Decode commas and colons, which many clients encode."""
    return re.sub("%2c", ",", re.sub("%3a", ":", query, flags=re.I), flags=re.I)
