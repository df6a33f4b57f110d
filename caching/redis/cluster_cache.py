"""What an event loop knows of the entries of a Redis Cluster, and the confirmations that it is still so."""

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from typing import Any

from ..locations import Address
from .client_side import ClientSideCache
from .redirections import Lost, Replies
from .script import Command
from .slot_map import SlotMap, slot_of

CONFIRM: Command = ("CONFIRM",)
"""Stands for a question to each server, and with an address for one to this server; comes first, if at all."""


class Confirmation(Replies):
    """The answers of servers to the question whether they have their slots, for all who ask in one turn."""

    __slots__ = ("_asking", "_refused")

    def __init__(self, number: int, refused: Callable[[Address, Exception], None]) -> None:
        self._asking: list[tuple[Replies, int]] = []
        # No method of its own: each request of the turn would hang on a reference cycle.
        super().__init__(number, partial(_tell, self._asking))
        self._refused = refused

    def join(self, replies: Replies, at: int) -> None:
        """Put into a place, once, whether what is known is still so; an exception if it may not be."""
        self._asking.append((replies, at))

    def refused(self, address: Address, at: int, error: Exception) -> None:
        self._refused(address, error)
        self.put(at, Lost())


def _tell(asking: list[tuple[Replies, int]], found: list[Any] | None) -> None:
    for replies, at in asking:
        replies.put(at, Lost() if found is None else None)


class ClusterCache(ClientSideCache):
    """What is known of the entries of all servers, and whose they are."""

    def __init__(self, slots: SlotMap) -> None:
        super().__init__()
        self._slots = slots
        self._owners: dict[str | None, dict[int, Address | None]] = {}

    def commands_to_confirm(self, asked: Iterable[tuple[str | None, Collection[Any]]] | None) -> list[Command]:
        if asked is None:
            return [CONFIRM]
        addresses: set[Address | None] = set()
        for prefix, ids in asked:
            addresses.update(map(self._owners.get(prefix, {}).get, ids))
        addresses.discard(None)
        return [(*CONFIRM, address) for address in addresses]

    def put(
        self, prefix: str, source: Any, keys: Sequence[str], ids: Sequence[int], values: Sequence[Any], *, since: int
    ) -> None:
        super().put(prefix, source, keys, ids, values, since=since)
        by_slot = self._slots.by_slot
        owners = [by_slot[slot_of(key)] for key in keys]
        self._owners.setdefault(prefix, {}).update(zip(ids, owners, strict=True))

    def _forget(self) -> None:
        super()._forget()
        self._owners = {}
