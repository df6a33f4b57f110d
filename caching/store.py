"""The protocol's steps on Redis: look, lease, fill, hold, lift. Every step is one round trip for any number of keys.

An entry's first byte names the state of its key; an absent key is the fifth state.

    V…  value        N…  nothing (no such row)        L<token>  lease        H(<token><deadline>)+  hold

All functions raise `Unavailable`, and open the circuit breaker, when Redis does not answer in time or refuses.
"""

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from django.db import Error, connections

from caching import pending, registry
from caching.breaker import Breaker
from caching.conf import conf
from caching.connection import FAILURES, Command, Script, Unavailable, by_slot, round_trip
from caching.options import jittered_ms

SET_LIFE_S = 7 * 24 * 3_600
VALUE, NOTHING, LEASE, HOLD = b"V"[0], b"N"[0], b"L"[0], b"H"[0]

_lease, _fill, _hold, _lift, _change = (Script.named(name) for name in ("lease", "fill", "hold", "lift", "change"))


class SetChange(NamedTuple):
    """What a transaction did to an id set: `ids` in order, negative ones taken out; `limit` of members to keep it."""

    limit: int
    ids: tuple[int, ...]


def new_token() -> str:
    """16 characters that no other reader or writer will draw."""
    return secrets.token_hex(8)


def ask(commands: Sequence[Command], *, allowed: Callable[[], bool], optional: int = 0) -> list[Any]:
    """One round trip; the last `optional` commands may answer with an error of their own without failing the rest."""
    if not commands:
        return []
    if not allowed():
        raise Unavailable("the circuit breaker is open")
    try:
        replies = round_trip(commands)
    except FAILURES as error:
        breaker.trip(error)
        raise Unavailable(str(error)) from error
    for reply in replies[: len(replies) - optional]:
        if isinstance(reply, Exception):
            breaker.trip(reply)
            raise Unavailable(str(reply)) from reply
    return replies


class Look:
    """Reading entries: one MGET, or one per slot. `probes` are commands that read entries, of the keys given with each,
    in their own way; `riders` are others that share the round trip."""

    def __init__(
        self, keys: Iterable[str], riders: Sequence[Command] = (), *, probes: Sequence[tuple[list[str], Command]] = ()
    ) -> None:
        self._groups = by_slot(keys)
        self.commands: list[Command] = [("MGET", *group) for group in self._groups]
        for group, command in probes:
            self._groups.append(group)
            self.commands.append(command)
        self.commands += riders

    @property
    def riders(self) -> int:
        return len(self.commands) - len(self._groups)

    def sorted(self, replies: list[Any]) -> tuple[dict[str, bytes | None], list[Any]]:
        """Entries by key, and the riders' replies; where the reply was an error, there is no entry."""
        entries: dict[str, bytes | None] = {}
        for group, reply in zip(self._groups, replies, strict=False):
            if not isinstance(reply, Exception):
                entries.update(zip(group, reply, strict=True))
        return entries, replies[len(self._groups) :]


def look(asked: Look) -> tuple[dict[str, bytes | None], list[Any]]:
    """Entries by key, and the riders' replies."""
    return asked.sorted(ask(asked.commands, allowed=breaker.may_read, optional=asked.riders))


def lease(seen: Mapping[str, bytes | None], token: str) -> dict[str, bytes | None]:
    """Take leases. `seen` maps each key to the unusable entry found there, or None; the answer maps it to None where
    the lease was taken, else to the entry that stands there by now."""
    groups = by_slot(seen)
    commands = [
        _lease.command(group, [f"L{token}", conf().lease_ms, *(seen[key] or b"" for key in group)]) for group in groups
    ]
    standing = _by_key(groups, ask(commands, allowed=breaker.may_read))
    return {key: entry or None for key, entry in standing.items()}


def fill(
    entries: Mapping[str, tuple[bytes, int]], token: str, *, sets: Mapping[str, Command] | None = None
) -> list[str]:
    """Put (entry, life in ms) where the lease `token` still stands, and run the commands that do the same for id sets;
    returns the keys where it no longer did."""
    sets = sets or {}
    groups = by_slot(entries)
    commands = []
    for group in groups:
        args: list[Any] = [f"L{token}"]
        for key in group:
            args.extend(entries[key])
        commands.append(_fill.command(group, args))
    replies = ask([*commands, *sets.values()], allowed=breaker.may_read)
    refused = [group[at - 1] for group, places in zip(groups, replies, strict=False) for at in places]
    return refused + [key for key, stood in zip(sets, replies[len(groups) :], strict=True) if not stood]


def release(keys: Iterable[str], token: str) -> None:
    """Give leases back unfilled, so that nobody waits for a load that failed."""
    fill(dict.fromkeys(keys, (b"", 0)), token)


def hold(keys: Iterable[str], token: str, *, keep: bool = False) -> None:
    """Forbid filling, and reading, until `lift`; `keep` what an id set has, for its only holder to change."""
    args = [token, conf().hold_ms, int(keep)]
    ask([_hold.command(group, args) for group in by_slot(keys)], allowed=breaker.may_write)


def lift(
    keys: Iterable[str], token: str, sets: Mapping[str, SetChange] | None = None, riders: Sequence[Command] = ()
) -> list[Any]:
    """End this writer's part in the holds; the last writer deletes the entry, the only one changes an id set. `riders`
    are commands that share the round trip, after all that; their replies are returned, errors among them."""
    sets = sets or {}
    rows = [_lift.command(group, [token]) for group in by_slot(key for key in keys if key not in sets)]
    changes = [
        _change.command([key, f"{key}:m"], [token, change.limit, jittered_ms(SET_LIFE_S), *change.ids])
        for key, change in sets.items()
    ]
    replies = ask([*rows, *changes, *riders], allowed=breaker.may_write, optional=len(riders))
    return replies[len(rows) + len(changes) :]


def _by_key(groups: list[list[str]], replies: list[Any]) -> dict[str, bytes | None]:
    entries: dict[str, bytes | None] = {}
    for group, reply in zip(groups, replies, strict=True):
        entries.update(zip(group, reply, strict=True))
    return entries


def drain(using: str) -> int:
    """Apply what writers had to leave in database `using`; returns how many keys."""
    try:
        return pending.drain(using)
    except (*FAILURES, Error) as error:
        breaker.trip(error)
        raise Unavailable(str(error)) from error


def _recover() -> bool:
    """Try Redis; apply every pending invalidation. Not inside a transaction, whose view of them may be old."""
    aliases = registry.write_aliases()
    if any(connections[alias].in_atomic_block for alias in aliases):
        return False
    try:
        round_trip([("PING",)])
        for alias in aliases:
            drain(alias)
    except Unavailable:
        return False
    except FAILURES as error:
        breaker.trip(error)
        return False
    return True


breaker = Breaker(_recover)
