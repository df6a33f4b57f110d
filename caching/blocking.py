"""Calls that block are refused where an event loop runs, as Django refuses its own."""

import os
from asyncio import _get_running_loop  # the public get_running_loop() costs ten times as much where no loop runs

from django.core.exceptions import SynchronousOnlyOperation


def refuse_in_event_loop(call: str, instead: str) -> None:
    """Raise SynchronousOnlyOperation in a coroutine or callback, unless DJANGO_ALLOW_ASYNC_UNSAFE is set."""
    if _get_running_loop() is not None and not os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE"):
        raise SynchronousOnlyOperation(f"{call} blocks, and an event loop runs here: await {instead} instead.")
