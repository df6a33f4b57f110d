"""For pages and tools of operators: the kinds of entries, single entries beside the database, warm-up, the servers."""

from .conf import OFF, conf
from .ops.kinds import Kind, Plain, Question, RowKind, Sighting, drop, kinds, load, sight, warm
from .ops.warm import Warming
from .protocol.codec import Stale
from .reading.stats import snapshot
from .redis.breaker import breaker
from .redis.client import each_server, server_of
from .redis.failures import FAILURES
from .registry import models as cached_models

__all__ = [
    "FAILURES", "OFF", "Kind", "Plain", "Question", "RowKind", "Sighting", "Stale", "Warming", "breaker",
    "cached_models", "conf", "drop", "each_server", "kinds", "load", "server_of", "sight", "snapshot", "warm",
]  # fmt: skip
