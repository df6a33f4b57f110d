"""Client-side caching: what a link has read stays with this process until Redis tells that it has changed.

By CLIENT TRACKING a server remembers which keys a connection has read, and tells it of the first change of each, in the
stream of its replies: https://redis.io/docs/latest/develop/reference/client-side-caching/. So whoever waits for a reply
to any command that is sent now, and has taken in all that came before it, knows that the values that are left are those
of the entries in Redis. A PING takes the place of reading them; on a cluster, one question to each server
(caching.redis.cluster_links).
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from .script import Command

BEGIN: tuple[Command, ...] = (("HELLO", "3"), ("CLIENT", "TRACKING", "ON", "OPTIN"))
"""What a connection has to send before; a Redis before 6, or rules that forbid it, refuse."""
TRACKED: Command = ("CLIENT", "CACHING", "YES")
"""Comes before each command whose keys are to be tracked, so that keys which scripts write to are not."""
MOST = 131_072
LIFE_S = 60.0


class _Nothing(tuple[()]):
    __slots__ = ()


NOTHING = _Nothing()
"""The value of an entry that says that there is nothing, where None stands for what is not known. It is false."""


class ClientSideCache:
    """The values of entries that an event loop has read, by what their keys begin with, and the integer that follows.

    Redis tells of an expired key only when it comes across it, so all values are forgotten every LIFE_S; and where they
    are more than MOST.
    """

    def __init__(self) -> None:
        self.confirm_all_from = 0
        """So many entries are confirmed together with all others; fewer, by the servers that have them."""
        self.version = 0
        """Grows with each change that Redis has told of."""
        self._changed: dict[bytes, int] = {}
        """Which version the last change of a key has made."""
        self._forgotten = 0
        """The version up to which nothing is known of changes."""
        self._values: dict[str, dict[Any, dict[int, Any]]] = {}
        self._size = 0
        self._forget_at = 0.0

    def commands_to_confirm(self, asked: Iterable[tuple[str | None, Collection[Any]]] | None) -> list[Command]:
        """Return commands whose replies show that what is known is still so, of some ids by what their keys begin with,
        or of everything (None). There are none where any reply shows it."""
        return []

    def look_up(self, prefix: str | None, source: Any, ids: Collection[Any]) -> list[Any]:
        """Return the values that a source has made of the entries of ids; None for each that is not known."""
        try:
            return [*map(self._values[prefix][source].get, ids)]  # type: ignore[index]
        except KeyError:
            return [None] * len(ids)

    def put(
        self, prefix: str, source: Any, keys: Sequence[str], ids: Sequence[int], values: Sequence[Any], *, since: int
    ) -> None:
        """Keep the values of entries that tracked commands have read, but for those of which a change may have been
        told `since` a version: the commands were sent then."""
        if since != self.version:
            if since < self._forgotten:
                return
            places = [at for at, key in enumerate(keys) if self._changed.get(key.encode(), 0) <= since]
            ids, values = [ids[at] for at in places], [values[at] for at in places]
        if self._size + len(ids) > MOST:
            self._forget()
        self._size += len(ids)
        self._values.setdefault(prefix, {}).setdefault(source, {}).update(zip(ids, values, strict=True))

    def invalidate(self, keys: Iterable[bytes] | None) -> None:
        """Forget entries that have changed; None stands for all."""
        self.version += 1
        if keys is None or len(self._changed) > MOST:
            self._forget()
            return
        for key in keys:
            self._changed[key] = self.version
            prefix, colon, number = key.decode().rpartition(":")
            for values in self._values.get(prefix + colon, {}).values():
                values.pop(int(number.strip("{}")), None)

    def age(self, now: float) -> None:
        """Forget everything if it is time to, by the loop's clock."""
        if now >= self._forget_at:
            self._forget_at = now + LIFE_S
            self._forget()

    def _forget(self) -> None:
        self._size, self._values = 0, {}
        self._changed, self._forgotten = {}, self.version
