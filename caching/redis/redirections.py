"""Replies of a cluster to one caller: what a server redirects is sent again, each command by itself.

MOVED      the slot is another server's: the slot map is corrected, the command goes there
ASK        the slot is on its way, and the key is there already: the command goes there, for this once
TRYAGAIN   the slot is on its way, and so are some of the command's keys: the command goes again, a moment later
NOSCRIPT   the server does not know the script: it is taught it, and the command goes again
CLUSTERDOWN, LOADING, READONLY, MASTERDOWN     the server can serve nobody now: its error is the reply
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any, Protocol

import hiredis

from ..locations import Address
from . import script
from .link import Replied, call
from .script import Command, keys_of
from .slot_map import SlotMap

MOST_TIMES = 8
"""How often a command is sent again: a slot may move on while the command follows it."""
TRY_AGAIN_S = 0.01
UNUSABLE = ("LOADING", "READONLY", "MASTERDOWN")


class Lost(Exception):
    """Stands in place of a reply that did not come."""


class Servers(Protocol):
    """What sends commands again."""

    slots: SlotMap

    def send_to(self, address: Address, commands: Sequence[Command], replied: Replied) -> None: ...

    def refuse(self, address: Address, error: Exception) -> None: ...

    def read_untracked(self, keys: Sequence[str]) -> None: ...


class Replies:
    """The replies to one caller's commands, each in its place; links put them there, and count them down in `missing`.

    The link that puts the last one calls `replied`: with None if a server was lost.
    """

    __slots__ = ("found", "missing", "replied")

    def __init__(self, number: int, replied: Replied) -> None:
        self.found: list[Any] = [None] * number
        self.missing = number
        self.replied: Replied = partial(_call_unless_lost, replied)

    def put(self, at: int, reply: Any) -> None:
        """Put a reply, and call back if it is the last one."""
        self.found[at] = reply
        self.missing -= 1
        if not self.missing:
            call(self.replied, self.found)

    def refused(self, address: Address, at: int, error: Exception) -> None:
        """Put an error that a server has answered."""
        self.put(at, error)


def _call_unless_lost(replied: Replied, found: list[Any]) -> None:
    replied(None if any(isinstance(reply, Lost) for reply in found) else found)


class FollowedReplies(Replies):
    """Replies to commands that are sent again where servers redirect them; Lost where one did not come."""

    __slots__ = ("_commands", "_left", "_servers")

    def __init__(self, servers: Servers, commands: Sequence[Command], replied: Replied) -> None:
        # Without the call of Replies: each request of the hot lane passes through here.
        self.missing = number = len(commands)
        self.found, self.replied = [None] * number, replied
        self._servers, self._commands, self._left = servers, commands, MOST_TIMES * number

    def refused(self, address: Address, at: int, error: Exception) -> None:
        """Send a command again, or put the error."""
        if not self._is_sent_again(address, at, error):
            self.put(at, error)

    def _take_last(self, address: Address, at: int, replies: list[Any] | None) -> None:
        reply = replies[-1] if replies else Lost()
        if reply.__class__ is hiredis.ReplyError:
            self.refused(address, at, reply)
        else:
            self.put(at, reply)

    def _is_sent_again(self, address: Address, at: int, error: Exception) -> bool:
        kind, *words = str(error).split(" ")
        self._left -= 1
        if kind in _AGAIN and self._left >= 0:
            return _AGAIN[kind](self, address, at, words)
        if kind == "CLUSTERDOWN":
            self._servers.slots.lost(address)
        elif kind in UNUSABLE:
            self._servers.refuse(address, error)
        return False

    def _moved(self, address: Address, at: int, words: list[str]) -> bool:
        there = _address(words[1], address)
        self._servers.slots.moved(int(words[0]), there)
        return self._send(there, at)

    def _ask(self, address: Address, at: int, words: list[str]) -> bool:
        return self._send(_address(words[1], address), at, ("ASKING",))

    def _try_again(self, address: Address, at: int, words: list[str]) -> bool:
        asyncio.get_running_loop().call_later(TRY_AGAIN_S, self._send, address, at)
        return True

    def _teach(self, address: Address, at: int, words: list[str]) -> bool:
        return self._send(address, at, ("SCRIPT", "LOAD", script.sources[self._commands[at][1]]))

    def _send(self, address: Address, at: int, *before: Command) -> bool:
        self._servers.read_untracked(keys_of(self._commands[at]))
        self._servers.send_to(address, [*before, self._commands[at]], partial(self._take_last, address, at))
        return True


_AGAIN = {
    "MOVED": FollowedReplies._moved,
    "ASK": FollowedReplies._ask,
    "TRYAGAIN": FollowedReplies._try_again,
    "NOSCRIPT": FollowedReplies._teach,
}


def _address(text: str, asked: Address) -> Address:
    """Return the address in a redirection; one without a host is on the server that was asked."""
    host, _, port = text.rpartition(":")
    return (host if host not in {"", "?"} else asked[0]), int(port)
