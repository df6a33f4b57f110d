"""Commands to a Redis Cluster from threads: one round trip to all servers concerned, which work at the same time.

What one server answers, or does not, concerns its own commands alone. A command is sent again only if it surely did not
run: its slot has moved or is moving (MOVED, ASK, TRYAGAIN), or the server did not know the script (NOSCRIPT).
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from itertools import count
from typing import Any, NamedTuple

from redis import exceptions
from redis.exceptions import AskError, MovedError, NoScriptError, TryAgainError

from ..conf import clear_on_change
from ..locations import Address
from . import script
from .breaker import breaker
from .cluster import slot_map
from .failures import FAILURES, Unavailable, without_errors
from .pool import Pool
from .proofs import proofs
from .script import Command, key_of
from .slot_map import slot_of

PATIENCE_S = 0.3  # for slots that move; a key of one command may be on either server then
ROUNDS_AT_ONCE = 3
PAUSE_S = 0.02  # between the rounds after these


class Errand(NamedTuple):
    """A command of a batch, and the server to which it goes now."""

    at: int
    command: Command
    server: Address
    is_asking: bool = False


class ClusterRoundTrip:
    """The commands of one batch, and their replies."""

    def __init__(self, commands: Sequence[Command], may_use: Callable[[Address], bool]) -> None:
        """`may_use` tells whether a server may be sent anything."""
        self._commands = commands
        self._may_use = may_use
        self._again: list[Errand] = []
        self.replies: list[Any] = [None] * len(commands)
        self.servers: list[Address | None] = [None] * len(commands)
        """The servers that answered, each in the place of its command."""

    def run(self, *, proving: bool = False) -> list[Any]:
        """Send the commands, and return the replies, errors among them in place: `Unavailable` where a server could
        not be used. `proving`: a proof shares the round trip to each server where one is due.

        Raises redis.RedisError where no server tells which of them has which slot.
        """
        slot_map().learn()
        left, give_up_at = list(self._errands()), time.monotonic() + PATIENCE_S
        for number in count():
            self._again = []
            self._send(left, proving=proving)
            left = self._again
            if not left or time.monotonic() > give_up_at:
                break
            if number >= ROUNDS_AT_ONCE:
                time.sleep(PAUSE_S)
        for errand in left:
            self.replies[errand.at] = Unavailable("the slot is moving")
        return self.replies

    def _errands(self) -> Iterator[Errand]:
        slots = slot_map()
        for at, command in enumerate(self._commands):
            server = slots.node_of(slot_of(key_of(command)))
            if server is None:
                self.replies[at] = Unavailable("no server has the slot")
            else:
                yield Errand(at, command, server)

    def _send(self, errands: list[Errand], *, proving: bool) -> None:
        """Send to all servers that may be used, then read what they answer."""
        by_server: dict[Address, list[Errand]] = {}
        for errand in errands:
            by_server.setdefault(errand.server, []).append(errand)
        parts = [_Part(server, mine) for server, mine in by_server.items() if self._is_usable(server, mine)]
        sent = []
        try:
            for part in parts:
                try:
                    part.send(proving=proving)
                    sent.append(part)
                except FAILURES as error:
                    self._fail(part, error)
            is_late = False
            while sent:
                is_late |= self._receive(sent.pop(), may_wait=not is_late)
        finally:
            for part in sent:
                part.abandon()

    def _is_usable(self, server: Address, errands: list[Errand]) -> bool:
        is_usable = self._may_use(server)
        if not is_usable:
            for errand in errands:
                self.replies[errand.at] = Unavailable("the circuit breaker is open")
        return is_usable

    def _receive(self, part: "_Part", *, may_wait: bool) -> bool:
        """Take the replies of one server; return whether they did not come in time."""
        try:
            replies = part.receive(may_wait=may_wait)
        except FAILURES as error:
            self._fail(part, error)
            return isinstance(error, exceptions.TimeoutError)
        for errand, reply in zip(part.errands, replies, strict=True):
            again = _again(errand, reply) if isinstance(reply, Exception) else None
            if again:
                self._again.append(again)
            else:
                self.replies[errand.at], self.servers[errand.at] = reply, errand.server
        return False

    def _fail(self, part: "_Part", error: Exception) -> None:
        breaker.of(part.server).trip(error)
        slot_map().lost(part.server)
        for errand in part.errands:
            self.replies[errand.at] = Unavailable(str(error))


def _again(errand: Errand, error: Exception) -> Errand | None:
    """Return the command of an errand on its next way; None if the error is the answer."""
    if isinstance(error, MovedError):
        target = _address(error, errand.server)
        slot_map().moved(error.slot_id, target)
        return errand._replace(server=target, is_asking=False)
    if isinstance(error, AskError):
        return errand._replace(server=_address(error, errand.server), is_asking=True)
    if isinstance(error, TryAgainError):
        return errand
    if isinstance(error, NoScriptError) and errand.command[0] == "EVALSHA":
        return errand._replace(command=("EVAL", script.sources[errand.command[1]], *errand.command[2:]))
    return None


def _address(redirection: AskError, asked: Address) -> Address:
    """Return where a server sends a client, which may be another port of its own host."""
    return redirection.host if redirection.host not in {"", "?"} else asked[0], redirection.port


class _Part:
    """What goes to one server in one round."""

    def __init__(self, server: Address, errands: list[Errand]) -> None:
        self.server = server
        self.errands = errands
        self._proof: list[Command] = []
        self._connection: Any = None

    def send(self, *, proving: bool) -> None:
        commands: list[Command] = []
        for errand in self.errands:
            commands += (("ASKING",), errand.command) if errand.is_asking else (errand.command,)
        proof = proofs.of_server(self.server)
        if proving and time.monotonic() >= proof.due_at:
            self._proof = proof.riding([self.errands[0].command])
        self._connection = pool_of(self.server).send([*self._proof, *commands])

    def receive(self, *, may_wait: bool) -> list[Any]:
        """Return a reply for each errand; raises one of FAILURES for all of them together."""
        number = len(self._proof) + sum(1 + errand.is_asking for errand in self.errands)
        replies = iter(pool_of(self.server).receive(self._connection, number, may_wait=may_wait))
        for _ in self._proof:
            if isinstance(reply := next(replies), Exception) and not isinstance(reply, AskError):
                raise reply
        return [(next(replies), next(replies))[1] if errand.is_asking else next(replies) for errand in self.errands]

    def abandon(self) -> None:
        pool_of(self.server).drop(self._connection)


@cache
def pool_of(server: Address) -> Pool:
    """Return this process's connections to a server; a fork must not share them."""
    return Pool(partial(slot_map().servers.connection, server), server)


os.register_at_fork(after_in_child=pool_of.cache_clear)
clear_on_change("CACHES", pool_of)


def send_to(server: Address, commands: Sequence[Command]) -> Sequence[Any]:
    """Send commands to one server, whatever their keys, past the breaker; return the replies.

    Raises redis.RedisError or OSError, for an error among the replies as well.
    """
    pool = pool_of(server)
    return without_errors(pool.receive(pool.send(commands), len(commands)))


def prove(server: Address) -> None:
    """Prove that a server takes writes for the slots that it has; raises redis.RedisError or OSError."""
    slots = slot_map()
    keys = (key for key in map(str, range(100_000)) if slots.node_of(slot_of(key)) == server)
    key = next(keys, None)
    if key is None:
        raise exceptions.ConnectionError(f"{server[0]}:{server[1]} has no slots")
    try:
        send_to(server, proofs.of_server(server).commands(key))
    except FAILURES as error:
        slots.moved(error.slot_id, _address(error, server)) if isinstance(error, MovedError) else slots.lost(server)
        raise
