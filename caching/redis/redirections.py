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
from .link import Replied
from .script import Command
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


class Replies:
    """Collects the replies to one caller's commands, whose parts were sent to several servers."""

    __slots__ = ("_commands", "_left", "_replied", "_replies", "_servers", "_waits")

    def __init__(self, servers: Servers, commands: Sequence[Command], replied: Replied, parts: int) -> None:
        self._servers, self._commands, self._replied, self._waits = servers, commands, replied, parts
        self._replies: list[Any] = [None] * len(commands)
        self._left = MOST_TIMES * len(commands)

    def take(self, address: Address, places: Sequence[int], replies: list[Any] | None) -> None:
        """Take a server's replies to the commands in these places; call back if they are the last."""
        if replies is None:
            replies = [Lost()] * len(places)
        for at, reply in zip(places, replies, strict=True):
            self._replies[at] = reply
            if reply.__class__ is hiredis.ReplyError:
                self._waits += 1  # before it is sent, as a server that may not be trusted is refused at once
                if not self._is_sent_again(address, at, reply):
                    self._waits -= 1
        self._waits -= 1
        if not self._waits:
            self._replied(self._replies)

    def _take_last(self, address: Address, at: int, replies: list[Any] | None) -> None:
        self.take(address, (at,), replies and replies[-1:])

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
        self._servers.send_to(address, [*before, self._commands[at]], partial(self._take_last, address, at))
        return True


_AGAIN = {"MOVED": Replies._moved, "ASK": Replies._ask, "TRYAGAIN": Replies._try_again, "NOSCRIPT": Replies._teach}


def _address(text: str, asked: Address) -> Address:
    """Return the address in a redirection; one without a host is on the server that was asked."""
    host, _, port = text.rpartition(":")
    return (host if host not in {"", "?"} else asked[0]), int(port)
