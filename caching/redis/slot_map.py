"""The slot map of a Redis Cluster: which server has which slot.

One map is shared by all threads and event loops of a process (caching.redis.cluster.slot_map()):

    slots.learn()                at the first use: ask the seeds, and wait; raises redis.ConnectionError
    slots.node_of(slot)          (host, port) of the slot's master, None if nobody has it
    slots.by_slot                the list of all masters, by slot: for whom node_of() costs too much
    slots.nodes                  all masters that have slots
    slots.moved(slot, address)   after MOVED: correct this slot at once, and have the rest asked for
    slots.lost(address)          after a server was lost, timed out, or answered READONLY or CLUSTERDOWN: ask again
    slots.version                is another number after each change
    slots.servers                how to connect to them: slots.servers.connection(address)

Only learn() waits. moved() and lost() begin a thread that asks, unless one is at it or the last question was a moment
ago. Servers that were lost are asked last, and of several answers the one of the greatest epoch counts: a server that
is cut off from the others still tells of the past.
"""

import contextlib
import logging
import os
import random
import threading
import time
from binascii import crc_hqx
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from redis import exceptions

from ..locations import Address
from .nodes import Nodes

SLOTS = 16_384
LAST_SLOT = SLOTS - 1
KNOWN_KEYS = 16_384
"""Keys whose slots are remembered, about 4 MB: a request asks for the slot of a key twice, and people come again."""
ANSWERS = 3
"""Servers whose answers are compared."""
PAUSE_S = 0.1
"""The least time between two questions."""
LOST_S = 2.0
"""Time for which a server that was lost is asked after the others."""
logger = logging.getLogger(__name__)

Slots = list[Address | None]


class SlotMap:
    """The servers of a cluster by slot; see the module."""

    def __init__(self, nodes: Nodes) -> None:
        self.servers = nodes
        self.version = 0
        self.nodes: tuple[Address, ...] = ()
        self._seeds = nodes.location.seeds
        self._known: tuple[Address, ...] = ()
        self.by_slot: Slots = [None] * SLOTS
        self._lost: dict[Address, float] = {}
        self._asked_at = -PAUSE_S
        self._is_wanted = False
        self._asking = threading.Lock()
        os.register_at_fork(after_in_child=self._forget_threads)

    def node_of(self, slot: int) -> Address | None:
        """Return the address of the master that has a slot."""
        return self.by_slot[slot]

    def learn(self) -> None:
        """Ask for the map if nothing is known of it yet; raise redis.ConnectionError if no server tells."""
        if self.version:
            return
        with self._asking:
            if not self.version:
                self._ask()

    def moved(self, slot: int, address: Address) -> None:
        """Correct one slot, as a server has answered."""
        if self.by_slot[slot] != address:
            self.by_slot[slot] = address
            self.nodes = tuple(dict.fromkeys([*self.nodes, address]))
            self.version += 1
        self.refresh()

    def lost(self, address: Address) -> None:
        """Take note that a server cannot be used at the moment."""
        self._lost[address] = time.monotonic()
        self.refresh()

    def refresh(self) -> None:
        """Have the map asked for anew, soon and in another thread."""
        self._is_wanted = True
        if self._asking.acquire(blocking=False):
            threading.Thread(target=self._ask_while_wanted, name="caching slot map", daemon=True).start()

    def _ask_while_wanted(self) -> None:
        try:
            while self._is_wanted:
                time.sleep(max(0.0, self._asked_at + PAUSE_S - time.monotonic()))
                self._is_wanted = False
                self._ask()
        except exceptions.RedisError as error:
            logger.warning("No server of the Redis Cluster tells which slots it has: %s", error)
        except Exception:
            logger.exception("The slots of the Redis Cluster could not be learned.")
        finally:
            self._asking.release()
        if self._is_wanted:  # by a thread that found this one at work, after its last look
            self.refresh()

    def _ask(self) -> None:
        self._asked_at = time.monotonic()
        best = max(self._answers(), key=lambda answer: answer[0])
        _, slots, known = best
        if slots != self.by_slot:
            self.by_slot = slots
            self.nodes = tuple(sorted({address for address in slots if address is not None}))
            self.version += 1
        self._known = known

    def _answers(self) -> list[tuple[int, Slots, tuple[Address, ...]]]:
        """Return the epochs and maps that the first ANSWERS servers tell."""
        answers = []
        error: Exception = exceptions.ConnectionError("no server is known")
        for address in self._candidates():
            try:
                answers.append(self._answer_of(address))
            except (exceptions.RedisError, OSError) as failure:
                error = failure
            if len(answers) == ANSWERS:
                break
        if not answers:
            kind = type(error) if isinstance(error, exceptions.AuthenticationError) else exceptions.ConnectionError
            raise kind(f"no server tells the slots of the Redis Cluster: {error}") from error
        return answers

    def _candidates(self) -> list[Address]:
        recent = time.monotonic() - LOST_S
        self._lost = {address: at for address, at in list(self._lost.items()) if at > recent}
        known = list(dict.fromkeys([*self.nodes, *self._known, *self._seeds]))
        random.shuffle(known)
        return sorted(known, key=lambda address: address in self._lost)

    def _answer_of(self, address: Address) -> tuple[int, Slots, tuple[Address, ...]]:
        connection = self.servers.connection(address, protocol=2)
        try:
            info = _ask(connection, "CLUSTER", "INFO").decode()
            ranges = _ask(connection, "CLUSTER", "SLOTS")
        finally:
            with contextlib.suppress(Exception):
                connection.disconnect()
        epoch = next(int(line.partition(":")[2]) for line in info.split() if line.startswith("cluster_current_epoch"))
        return epoch, *_read_ranges(ranges, address[0])

    def _forget_threads(self) -> None:
        """Let a forked process ask although a thread of its parent was about to."""
        self._asking = threading.Lock()


@lru_cache(maxsize=KNOWN_KEYS)
def slot_of(key: str) -> int:
    """Return the slot of a key: that of its hash tag, if it has one (the specification of Redis Cluster)."""
    # What redis.crc.key_slot() returns, without its calls, as each key of the hot lane passes through here.
    if (begin := key.find("{") + 1) and (end := key.find("}", begin)) > begin:
        key = key[begin:end]
    return crc_hqx(key.encode(), 0) & LAST_SLOT


def _ask(connection: Any, *command: str) -> Any:
    connection.send_command(*command)
    return connection.read_response()


def _read_ranges(ranges: Iterable[Any], asked_host: str) -> tuple[Slots, tuple[Address, ...]]:
    """Return the masters by slot, and all servers, replicas among them; a server without a host is the one asked."""
    slots: Slots = [None] * SLOTS
    known: dict[Address, None] = {}
    for first, last, *servers in ranges:
        addresses = [(_host(server[0], asked_host), int(server[1])) for server in servers]
        known.update(dict.fromkeys(addresses))
        slots[first : last + 1] = [addresses[0]] * (last + 1 - first)
    return slots, tuple(known)


def _host(given: bytes | None, asked_host: str) -> str:
    host = (given or b"").decode()
    return host if host not in {"", "?"} else asked_host
