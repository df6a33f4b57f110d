"""Deadlines that may be brought forward."""

import asyncio


def expire(deadline: asyncio.Timeout) -> None:
    """Let the deadline of a waiting task pass now, unless it has passed."""
    if not deadline.expired():
        deadline.reschedule(0)
