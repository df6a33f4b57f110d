"""The drain of events as a job: one consumer for each process, which takes events of all shards."""

from functools import cache

from jobs.api import Waiting
from popups import layouts
from popups.events import drain, stream


@cache
def consumer() -> str:
    """Return the name of this process's consumer."""
    return stream.new_consumer()


def step() -> bool:
    """Write a batch of each shard; return whether more is likely to wait. Raises Unavailable and DatabaseError."""
    return drain.drain_all(consumer(), layouts.read())


def waiting() -> Waiting:
    """Return how many events wait, and since when; raises Unavailable and DatabaseError."""
    shards = layouts.read().shards
    return Waiting(stream.backlog(shards), stream.oldest(shards))
