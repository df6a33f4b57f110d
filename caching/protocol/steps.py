"""The protocol's steps on Redis: fetch, lease, fill, hold, lift. Every step is one round trip for any number of keys.

The first byte of an entry names the state of its key; an absent key is the fifth state.

    V…  value        N…  nothing (no such row)        L<token>  lease        H(<token><deadline>)+  hold

Values may stand behind the mark of the run of Redis in which they were filled (caching.redis.epochs).

All functions raise `Unavailable`, and open the circuit breaker, when Redis does not answer in time or refuses. Where
only some servers of a cluster fail, the others' keys are dealt with.
"""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from ..conf import conf
from ..connections.galera import MARK, MARK_LENGTH
from ..options import jittered_ms
from ..redis.breaker import breaker
from ..redis.client import execute, round_trip
from ..redis.cluster import by_slot
from ..redis.epochs import epochs
from ..redis.failures import Unavailable
from ..redis.script import Command, Script
from .agreement import require_current

SET_LIFE_S = 7 * 24 * 3_600
HOLD_LIFE_MS = 24 * 3_600 * 1_000  # a hold that no reader meets; who meets one that is past asks the database
VALUE, NOTHING, LEASE, HOLD = b"V"[0], b"N"[0], b"L"[0], b"H"[0]
LUA = Path(__file__).parent / "lua"
PAST = b"P"  # the answer of `lease` for a hold whose writers have had their time
CLAIM_BYTES = 29
NOBODY = "-" * 16  # a token that no writer has

_fill = Script.from_files(LUA, "fill")
_lease, _hold, _lift, _change = (Script.from_files(LUA, "claims", name) for name in ("lease", "hold", "lift", "change"))
_settle = Script.from_files(LUA, "settle")


class SetChange(NamedTuple):
    """What a transaction did to an id set: `ids` in order, negative ones taken out; `limit` of members to keep it."""

    limit: int
    ids: tuple[int, ...]


def new_token(node: str = "") -> str:
    """Return 16 characters that no other reader or writer will draw; those of a node of Galera begin with its mark."""
    return node + os.urandom(8).hex()[len(node) :]


def fetch(commands: Sequence[Command], *, optional: int = 0) -> list[Any]:
    """Read entries by commands that were planned for them; the last `optional` commands may fail on their own.

    An error stands in place of what a server of a cluster did not answer.
    """
    return execute(commands, allowed=breaker.may_read, optional=optional, partly=True)


def lease(seen: Mapping[str, bytes | None], token: str, *, asked: bool = False) -> dict[str, bytes | None]:
    """Take leases. `seen` maps each key to the unusable entry found there, or None.

    The answer maps a key to None where the lease was taken, else to the entry that stands there now. For a hold whose
    claims are all past it is PAST: with `asked`, once the database has told that no writer is at work, it is replaced.
    Keys whose server cannot be used are left out.
    """
    groups = by_slot(seen)
    commands = [
        _lease.command(group, [f"L{token}", conf().lease_ms, int(asked), *(seen[key] or b"" for key in group)])
        for group in groups
    ]
    standing: dict[str, bytes | None] = {}
    for group, entries in _answered(groups, execute(commands, allowed=breaker.may_read, partly=True)):
        standing.update(zip(group, (entry or None for entry in entries), strict=True))
    return standing


def fill(
    entries: Mapping[str, tuple[bytes, int]],
    token: str,
    *,
    since: int,
    scripted: Mapping[str, Command] | None = None,
) -> list[str]:
    """Put (entry, life in ms) where the lease `token` still stands; return the keys where it no longer did.

    `since`: `epochs.version` before the lease was taken; nothing is filled if it has changed, because another run of
    Redis may not know of the hold that ended the lease. `scripted`: by key, commands that do the same for entries of
    several Redis keys (id sets).
    """
    scripted = scripted or {}
    if since != epochs.version:
        return [*entries, *scripted]
    groups = by_slot(entries)
    commands = []
    for group in groups:
        args: list[Any] = [f"L{token}"]
        for key in group:
            args.extend(entries[key])
        commands.append(_fill.command(group, args))
    replies = execute([*commands, *scripted.values()], allowed=breaker.may_read, partly=True)
    own, others = replies[: len(groups)], replies[len(groups) :]
    refused = [group[at - 1] for group, places in _answered(groups, own) for at in places]
    return refused + [key for key, stood in _answered(scripted, others) if not stood]


def release(keys: Iterable[str], token: str) -> None:
    """Give leases back unfilled, so that no reader waits for a load that failed."""
    fill(dict.fromkeys(keys, (b"", 0)), token, since=epochs.version)


def hold(keys: Iterable[str], token: str, *, kept: Iterable[str] = ()) -> set[str]:
    """Forbid reading and filling until `lift`; return the keys of servers that cannot be used, which are not held.

    Of `kept` keys, id sets, the members stay for the lift to change. After HOLD_MS readers ask the database whether the
    writer is still at work, see `caching.connections.undecided`.
    """
    sets = dict.fromkeys(kept)
    groups = by_slot([*sets, *keys])
    numbers = [len(sets.keys() & group) for group in groups]
    args = [token, conf().hold_ms, HOLD_LIFE_MS]
    commands = [_hold.command(group, [*args, number]) for group, number in zip(groups, numbers, strict=True)]
    return _unanswered(groups, execute(commands, allowed=breaker.may_write, partly=True))


def deadline_ms(hold_entry: bytes) -> int:
    """Return the time, in ms of Redis' clock, at which the last claim of a hold is past and may be questioned."""
    body = hold_entry[1:].partition(b"|")[0]
    times = [body[at - 13 : at] for at in range(CLAIM_BYTES, len(body) + 1, CLAIM_BYTES)]
    return max((int(each) for each in times if each.isdigit()), default=0)


def nodes_of(hold_entry: bytes) -> set[str]:
    """Return the marks of the nodes of Galera on which a hold's writers are; "" where there is none."""
    body = hold_entry[1:].partition(b"|")[0]
    tokens = (body[at : at + CLAIM_BYTES].decode() for at in range(0, len(body), CLAIM_BYTES))
    return {token[:MARK_LENGTH] if token.startswith(MARK) else "" for token in tokens}


def lift(
    keys: Collection[str], token: str, sets: Mapping[str, SetChange] | None = None, extra: Sequence[Command] = ()
) -> tuple[set[str], list[Any]]:
    """End this writer's part in the holds: the last writer deletes the entry, the only one changes an id set.

    `extra` commands share the round trip, after all that. Returns the keys of servers that cannot be used, and the
    replies to `extra`, errors among them.
    """
    sets = sets or {}
    groups = by_slot(key for key in keys if key not in sets)
    commands = [_lift.command(group, [token]) for group in groups]
    for key, change in sets.items():
        args = [token, change.limit, jittered_ms(SET_LIFE_S), *change.ids]
        commands.append(_change.command([key, members_key(key)], args))
    replies = execute([*commands, *extra], allowed=breaker.may_write, optional=len(extra), partly=True)
    return _unanswered([*groups, *([key] for key in sets)], replies[: len(commands)]), replies[len(commands) :]


def discard(keys: Iterable[str]) -> set[str]:
    """Delete entries, but not the holds of writers at work, whose own lift will delete them; return the keys of a
    cluster's servers that cannot be used.

    Past the breaker: raises redis.RedisError or OSError when Redis cannot be reached.
    """
    groups = by_slot(keys)
    return _unanswered(groups, _tell([_lift.command(group, [NOBODY]) for group in groups]))


def settle(sets: Mapping[str, Iterable[int]], *, at_once: bool = False) -> tuple[set[str], set[str]]:
    """Delete the id sets that do not say yet what the database's log tells of some ids, negative ones taken out.

    Returns the keys of sets that differ and are held, so that their writers may be about to change them, and those of
    a cluster's servers that cannot be used. With `at_once`, their writers will not keep them. Raises as discard() does.
    """
    replies = _tell([_settle.command([key, members_key(key)], [int(at_once), *ids]) for key, ids in sets.items()])
    differing = {key for key, reply in zip(sets, replies, strict=True) if reply == 1}
    return differing, _unanswered([[key] for key in sets], replies)


def _tell(commands: Sequence[Command]) -> list[Any]:
    version = epochs.version
    replies = round_trip(commands)
    for reply in replies:
        if isinstance(reply, Exception) and not isinstance(reply, Unavailable):
            raise reply
    require_current(version)
    return replies


G = TypeVar("G")


def _answered(groups: Iterable[G], replies: Iterable[Any]) -> Iterator[tuple[G, Any]]:
    """Yield each group with its reply, but for those of servers that cannot be used."""
    return ((group, reply) for group, reply in zip(groups, replies, strict=True) if not isinstance(reply, Exception))


def _unanswered(groups: Iterable[Iterable[str]], replies: Iterable[Any]) -> set[str]:
    """Return the keys of servers that cannot be used."""
    together = zip(groups, replies, strict=True)
    return {key for group, reply in together if isinstance(reply, Exception) for key in group}


def members_key(key: str) -> str:
    """Return the Redis key of an id set's members; the set's own key carries its state."""
    return f"{key}:m"
