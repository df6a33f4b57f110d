"""Reading in coroutines: hits are answered in the event loop, everything else by the blocking code in a thread."""

from typing import Any

from asgiref.sync import sync_to_async
from django.db import connections

from ..connections.following import in_transaction
from ..redis.breaker import breaker
from ..redis.event_loop import client_of_loop, is_supported
from ..writing.transactions import is_writing_in_context
from .batch import Batch
from .unique import UniqueRow


async def abatch(batch: Batch) -> None:
    """Like `batch.run()`, in a coroutine: without a thread if everything is a hit."""
    if await is_hit(batch):
        return
    if _in_transaction_of_loop():
        batch.run()
    else:
        await sync_to_async(batch.run)()


async def is_hit(batch: Batch) -> bool:
    """Return whether Redis has answered everything; if not, the batch is still to be run."""
    # A transaction that writes may not believe entries of what it has written: `run()` knows which these are.
    if not breaker.is_closed or not is_supported() or is_writing_in_context() or _in_transaction_of_loop():
        return False
    commands = batch.commands()
    return batch.resolve(await client_of_loop().ask(commands) if commands else [])


def _in_transaction_of_loop() -> bool:
    """Return whether this thread is in a transaction, which takes DJANGO_ALLOW_ASYNC_UNSAFE."""
    return any(map(in_transaction, connections.all(initialized_only=True)))


async def afind(model: Any, column: str, value: Any, using: str | None = None) -> Any:
    """Like `find`, in a coroutine: without a thread if the pointer and the row it leads to are hits."""
    found = UniqueRow(first := Batch(), model, column, value, using)
    batch: Batch | None = first
    while batch is not None and await is_hit(batch):
        batch = found.next_batch()
    return found.row() if batch is None and found.is_known else await sync_to_async(found.find)()
