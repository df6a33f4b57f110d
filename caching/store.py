"""The protocol's steps on Redis: look, lease, fill, hold, lift. Every step is one round trip for any number of keys.

An entry's first byte names the state of its key; an absent key is the fifth state.

    V…  value        N…  nothing (no such row)        L<token>  lease        H(<token><deadline>)+  hold

All functions raise `Unavailable`, and open the circuit breaker, when Redis does not answer in time or refuses.
"""

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from django.db import Error, connections

from . import pending, registry
from .breaker import Breaker
from .conf import conf
from .connection import FAILURES, Command, Script, Unavailable, by_slot, round_trip

VALUE, NOTHING, LEASE, HOLD = b"V"[0], b"N"[0], b"L"[0], b"H"[0]

_lease, _fill, _hold, _lift = (Script.named(name) for name in ("lease", "fill", "hold", "lift"))


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


def look(keys: Iterable[str], riders: Sequence[Command] = ()) -> tuple[dict[str, bytes | None], list[Any]]:
    """Read entries (one MGET, or one per slot); `riders` are other commands that share the round trip."""
    groups = by_slot(keys)
    replies = ask([*(("MGET", *group) for group in groups), *riders], allowed=breaker.may_read, optional=len(riders))
    return _by_key(groups, replies[: len(groups)]), replies[len(groups) :]


def lease(seen: Mapping[str, bytes | None], token: str) -> dict[str, bytes | None]:
    """Take leases. `seen` maps each key to the unusable entry found there, or None; the answer maps it to None where
    the lease was taken, else to the entry that stands there by now."""
    groups = by_slot(seen)
    commands = [
        _lease.command(group, [f"L{token}", conf().lease_ms, *(seen[key] or b"" for key in group)]) for group in groups
    ]
    standing = _by_key(groups, ask(commands, allowed=breaker.may_read))
    return {key: entry or None for key, entry in standing.items()}


def fill(entries: Mapping[str, tuple[bytes, int]], token: str) -> list[str]:
    """Put (entry, life in ms) where the lease `token` still stands; returns the keys where it no longer did."""
    groups = by_slot(entries)
    commands = []
    for group in groups:
        args: list[Any] = [f"L{token}"]
        for key in group:
            args.extend(entries[key])
        commands.append(_fill.command(group, args))
    replies = ask(commands, allowed=breaker.may_read)
    return [group[at - 1] for group, refused in zip(groups, replies, strict=True) for at in refused]


def release(keys: Iterable[str], token: str) -> None:
    """Give leases back unfilled, so that nobody waits for a load that failed."""
    fill(dict.fromkeys(keys, (b"", 0)), token)


def hold(keys: Iterable[str], token: str) -> None:
    """Forbid filling, and reading, until `lift`."""
    ask([_hold.command(group, [token, conf().hold_ms]) for group in by_slot(keys)], allowed=breaker.may_write)


def lift(keys: Iterable[str], token: str) -> None:
    """End this writer's part in the holds; the last writer deletes the entry."""
    ask([_lift.command(group, [token]) for group in by_slot(keys)], allowed=breaker.may_write)


def _by_key(groups: list[list[str]], replies: list[Any]) -> dict[str, bytes | None]:
    return {
        key: entry
        for group, reply in zip(groups, replies, strict=True)
        for key, entry in zip(group, reply, strict=True)
    }


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
