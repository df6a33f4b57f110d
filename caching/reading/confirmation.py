"""A confirmation as a batch: in a thread it waits, in an event loop it answers later."""

from typing import Any

from ..redis.confirming_links import confirming_links
from ..redis.event_loop import EventLoopClient
from ..redis.replication import Witness, confirm
from .batch import Batch


class Confirmation(Batch):
    """Asks whether a replica has what a server was told; `result` is there once it has run, and it is always a hit."""

    result = False
    is_empty = False  # it is sent, although it has no commands of its own

    def __init__(self, witness: Witness, key: str) -> None:
        super().__init__()
        self._witness, self._key = witness, key

    def run(self) -> None:
        """Ask, and wait."""
        self.result = confirm(self._witness, self._key)

    def send(self, client: EventLoopClient, replied: Any) -> bool:
        """Ask over a link of its own; `replied` is called later."""
        confirming_links().confirm(self._witness, self._key, replied)
        return True

    def resolve(self, replies: list[Any] | None) -> bool:
        """Take the answer."""
        self.result = replies is not None
        return True
