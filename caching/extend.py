"""For authors of new kinds of entries, of scripts that share a batch's round trip, and of other event loops."""

from caching.conf import clear_on_change, conf
from caching.entries.source import Result, Source
from caching.options import jittered_ms
from caching.protocol.codec import Framed, Stale, fingerprint
from caching.protocol.steps import new_token
from caching.reading.batch import Reply
from caching.redis.breaker import breaker
from caching.redis.client import FAILURES, execute
from caching.redis.event_loop import EventLoopClient
from caching.redis.script import Command, Script
from caching.writing.bulk_signals import inserted, inserting, updated, updating
from caching.writing.transactions import joined_to_commit, record_pending

__all__ = [
    "FAILURES", "Command", "EventLoopClient", "Framed", "Reply", "Result", "Script", "Source", "Stale", "breaker",
    "clear_on_change", "conf", "execute", "fingerprint", "inserted", "inserting", "jittered_ms", "joined_to_commit",
    "new_token", "record_pending", "updated", "updating",
]  # fmt: skip
