"""Proofs that Redis takes writes, which ride in round trips of reads.

Redis may refuse writes and answer reads: no space for its append-only file, too few replicas, a master that became a
replica. Writers then leave their keys pending in the database, and a process that only has hits would read old values
for as long as that lasts. So the first round trip after PROOF_MS takes a small write along. On a cluster each server
proves by itself, with a key of a slot that it has.
"""

import time
from collections.abc import Callable, Sequence

from ..conf import conf
from ..locations import Address
from .script import Command, key_of

LIFE_MS = 1


class Proof:
    """When one server of a cluster is next to prove to this process that it takes writes."""

    def __init__(self) -> None:
        self.due_at = 0.0

    def commands(self, key: str) -> list[Command]:
        """Return the commands of a proof in the slot of a key, and postpone the next one."""
        self.due_at = time.monotonic() + conf().proof_ms / 1000
        return [_write(f":{{{_hash_tag(key)}}}")]

    def riding(self, commands: Sequence[Command]) -> list[Command]:
        """Return the commands of a proof that is due, to share the round trip of `commands` to the same server."""
        proofs.note_use()
        return self.commands(key_of(commands[0]))


class Proofs:
    """When this process is next to prove that Redis takes writes, and by which commands."""

    def __init__(self) -> None:
        self.due_at = 0.0
        """By time.monotonic()."""
        self.used: Callable[[], None] = lambda: None
        """Called at most every PROOF_MS, while the cache is in use."""
        self._use_due_at = 0.0
        self._servers: dict[Address, Proof] = {}

    def of_server(self, address: Address) -> Proof:
        """Return when and how a server of a cluster is to prove it; its threads and event loops share the proof."""
        return self._servers.setdefault(address, Proof())

    def commands(self) -> list[Command]:
        """Return the commands of a proof, and postpone the next one."""
        self.due_at = time.monotonic() + conf().proof_ms / 1000
        return [_write("")]

    def riding(self, commands: Sequence[Command]) -> list[Command]:
        """Return the commands of a proof that is due, to share the round trip of these commands."""
        self.used()
        return self.commands()

    def note_use(self) -> None:
        """Call `used`, unless that was done a moment ago for another server."""
        now = time.monotonic()
        if now >= self._use_due_at:
            self._use_due_at = now + conf().proof_ms / 1000
            self.used()

    def renew(self) -> None:
        """Have the next round trip prove."""
        self.due_at = 0.0
        for proof in tuple(self._servers.values()):
            proof.due_at = 0.0


def _write(key: str) -> Command:
    return ("SET", f"{prefix()}:proof{key}", "", "PX", LIFE_MS)


def question(tag: str) -> Command:
    """Return a command that only the server answers that has the slot of a hash tag."""
    return ("GET", f"{prefix()}:proof:{{{tag}}}")


def prefix() -> str:
    """Return what keys of the whole server begin with; a PREFIX that is a function is one of its requests."""
    prefix = conf().prefix
    return "cache" if callable(prefix) else prefix


def _hash_tag(key: str) -> str:
    """Return what a cluster hashes of a key."""
    tag = key.partition("{")[2].partition("}")
    return tag[0] if tag[0] and tag[1] else key


proofs = Proofs()
"""Those of this process."""
