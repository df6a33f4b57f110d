"""The requests that the hot lane answers: each room declares them in ROUTES, in their usual form only."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from django.http import QueryDict

from api.cursors import Location
from api.ids import LARGEST
from api.reads import Read
from api.writes import Write
from caching.api import Series
from serving.requests.answered import durations

IDS = r"([0-9,]+)"
FIELDS = r"([a-z_,]+)"
ID = "{id}"
_ID_SEGMENT = re.compile(r"/([1-9][0-9]{0,18})(?=/|\Z)", re.ASCII)
_NO_QUERY = QueryDict("")


class Route:
    """A path, which may have one segment {id}, and a regular expression for the whole query, with the read of them.

    `read(batch, caller_id, …)` gets the id in the path, if there is one, then the groups of `query`. If it raises a
    Problem, Django answers the request. A path without an id wins: `users/me` is not `users/{id}`.
    """

    method = "GET"
    whole_path = ""
    """The path behind the prefix of the Routes that it is in."""
    durations: dict[int, Series]
    """Those of the answers by the lane, by status."""

    def __init__(self, path: str, query: str, read: Callable[..., Read]) -> None:
        self.path = path
        self.query = re.compile(query, re.ASCII)
        self.read = read

    def arguments(self, base: str, path: str, query: str) -> tuple[Any, ...] | None:
        """Return what the read gets after the id, None if the query does not match."""
        match = self.query.fullmatch(_unquote(query) if "%" in query else query)
        return match and match.groups()

    def arguments_of(self, base: str, path: str, query: str, body: bytes) -> tuple[Any, ...] | None:
        """Return the same for a request that may have a body."""
        return self.arguments(base, path, query) if not body else None


class WriteRoute(Route):
    """A request that writes, without a query: `write(batch, caller_id, …)`, an api.writes.Write, gets the id in the
    path, then the groups of `body`, a regular expression for the whole body, as texts."""

    def __init__(self, method: str, path: str, write: Callable[..., Write], body: bytes = b"") -> None:
        super().__init__(path, "", write)
        self.method, self._body = method, re.compile(body, re.ASCII)

    def arguments_of(self, base: str, path: str, query: str, body: bytes) -> tuple[Any, ...] | None:
        match = None if query else self._body.fullmatch(body)
        return match and tuple(group.decode() for group in match.groups())


class PagedRoute(Route):
    """The route of a list in pages: `read(batch, caller_id, …)` gets the id in the path, then an api.cursors.Location.

    The query is empty or has a limit; with `cursors`, which the read can answer from the cache, it may have a cursor.
    """

    def __init__(self, path: str, read: Callable[..., Read], *, cursors: bool = False) -> None:
        cursor = "|(?:limit=[0-9]+&)?cursor=[A-Za-z0-9_-]+|cursor=[A-Za-z0-9_-]+&limit=[0-9]+" if cursors else ""
        super().__init__(path, f"(?:limit=[0-9]+)?{cursor}", read)

    def arguments(self, base: str, path: str, query: str) -> tuple[Any, ...] | None:
        if not query:
            return (Location(base, path, _NO_QUERY),)
        return (Location(base, path, QueryDict(query)),) if self.query.fullmatch(query) else None


class _Durations(dict[int, Series]):
    """The series of a route by status, made when they are first needed."""

    def __init__(self, route: Route) -> None:
        self._route = route

    def __missing__(self, status: int) -> Series:
        series = self[status] = durations.of((self._route.whole_path, self._route.method, status, "lane"))
        return series


class Routes:
    """Routes by their methods and paths, each below `prefix`."""

    def __init__(self, prefix: str, routes: Iterable[Route]) -> None:
        by_path = {(route.method, prefix + route.path): route for route in routes}
        for (_, path), route in by_path.items():
            route.whole_path = path
            route.durations = _Durations(route)
        self._constant = {key: route for key, route in by_path.items() if ID not in key[1]}
        self._with_id = {key: route for key, route in by_path.items() if ID in key[1]}
        self._before_ids = len(prefix) - 1  # the prefix ends with a slash

    def find(
        self, path: str, query: bytes, base: str = "", method: str = "GET", body: bytes = b""
    ) -> tuple[Route, tuple[Any, ...]] | None:
        """Return a request's route, and the arguments of its read after batch and caller; None if no route matches.

        `base` is what absolute addresses begin with.
        """
        ids: tuple[int, ...] = ()
        route = self._constant.get((method, path))
        if route is None:
            segment = _ID_SEGMENT.search(path, self._before_ids)
            if segment is None:
                return None
            route = self._with_id.get((method, path[: segment.start(1)] + ID + path[segment.end() :]))
            if route is None or (id_ := int(segment[1])) > LARGEST:
                return None
            ids = (id_,)
        arguments = route.arguments_of(base, path, query.decode("latin-1"), body)
        return None if arguments is None else (route, ids + arguments)


def _unquote(query: str) -> str:
    """Decode commas and colons, which many clients encode."""
    return re.sub("%2c", ",", re.sub("%3a", ":", query, flags=re.I), flags=re.I)
