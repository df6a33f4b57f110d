"""Confirmations for an event loop: links of their own, which WAIT may keep waiting; one WAIT for all who ask meanwhile.

See replication for what is confirmed.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from .cluster import on_cluster, slot_map
from .failures import FAILURES
from .link import RedisProtocol, Unsupported, call, connect
from .proofs import Proof
from .replication import WAIT_MS, Witness, is_in_run, mark
from .sentinel import address_book

Confirmed = Callable[[list[Any] | None], None]
"""Called once with [True], or with None where no replica has confirmed."""
_NO_PROOF = Proof()
_NO_PROOF.due_at = float("inf")


class ConfirmingLink(RedisProtocol):
    """A link that carries confirmations alone. A replica that is late is no fault of the server, so nothing trips."""

    proof = _NO_PROOF

    def trip(self, error: Exception) -> None:
        """Leave the circuit breaker as it is."""


class ConfirmingLinks:
    """The links of one event loop, by server, and who waits for its next confirmation."""

    def __init__(self) -> None:
        self._links: dict[Witness, ConfirmingLink] = {}
        self._waiting: dict[Witness, list[tuple[str, Confirmed]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def confirm(self, witness: Witness, key: str, confirmed: Confirmed) -> None:
        """Ask whether a replica has what the witness was told so far; `confirmed` is called later."""
        waiting = self._waiting.get(witness)
        if waiting is not None:  # a WAIT or a connection is under way: the next one is for all of these
            waiting.append((key, confirmed))
            return
        self._waiting[witness] = [(key, confirmed)]
        if witness in self._links:
            asyncio.get_running_loop().call_soon(self._ask, witness)
        else:
            task = asyncio.get_running_loop().create_task(self._open(witness))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _open(self, witness: Witness) -> None:
        servers = slot_map().servers if on_cluster() else address_book().servers
        host, port = witness.address
        options = {**servers.connection_arguments, "host": host, "port": port}
        try:
            writer = await connect(servers.connection_class.__name__, options, server=witness.server)
        except (*FAILURES, Unsupported):
            for _, confirmed in self._waiting.pop(witness):
                call(confirmed, None)
            return
        self._links[witness] = ConfirmingLink(writer, options.get("socket_timeout"), partial(self._forget, witness))
        self._ask(witness)

    def _forget(self, witness: Witness, link: ConfirmingLink) -> None:
        if self._links.get(witness) is link:
            del self._links[witness]

    def _ask(self, witness: Witness) -> None:
        waiting, link = self._waiting[witness], self._links.get(witness)
        self._waiting[witness] = []
        if link is None:  # lost in the same turn
            self._answer(witness, waiting, [], None)
            return
        keys = list(dict.fromkeys(key for key, _ in waiting))
        commands = [*map(mark, keys), ("WAIT", 1, WAIT_MS)]
        link.send(commands, partial(self._answer, witness, waiting, keys))

    def _answer(
        self, witness: Witness, waiting: Sequence[tuple[str, Confirmed]], keys: list[str], replies: list[Any] | None
    ) -> None:
        *marked, number = replies or [0]
        is_confirmed = isinstance(number, int) and number >= 1 and is_in_run(witness)
        there = {key for key, reply in zip(keys, marked, strict=False) if not isinstance(reply, Exception)}
        for key, confirmed in waiting:
            call(confirmed, [True] if is_confirmed and key in there else None)
        if self._waiting[witness]:
            self._ask(witness) if witness in self._links else self._give_up(witness)
        else:
            del self._waiting[witness]

    def _give_up(self, witness: Witness) -> None:
        for _, confirmed in self._waiting.pop(witness):
            call(confirmed, None)


_links: WeakKeyDictionary[asyncio.AbstractEventLoop, ConfirmingLinks] = WeakKeyDictionary()


def confirming_links() -> ConfirmingLinks:
    """Return those of the running event loop."""
    return _links.setdefault(asyncio.get_running_loop(), ConfirmingLinks())
