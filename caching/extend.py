"""For authors of new kinds of entries, of scripts that share a batch's round trip, and of other event loops."""

from .conf import clear_on_change, conf, prefix
from .databases import key_prefix
from .entries.remembered import RememberedRows
from .entries.source import Result, Source
from .ops.row_changes import (
    LoggedTransaction,
    RowChange,
    apply_logged,
    forget_models,
    listen,
    logged_models,
    tell_logged,
)
from .options import jittered_ms
from .protocol.agreement import agreement
from .protocol.codec import Framed, Stale, fingerprint, projection
from .protocol.pending import apply_waiting, waiting_invalidations
from .protocol.steps import new_token
from .reading.batch import Reply, run_together
from .reading.confirmation import Confirmation
from .reading.inspect import entry_of
from .redis.breaker import breaker
from .redis.client import execute
from .redis.epochs import mark_of_run
from .redis.event_loop import EventLoopClient
from .redis.failures import FAILURES
from .redis.replication import NOBODY, Witness, confirm, may_fail_over, witness_at_once, witness_of
from .redis.script import Command, Script
from .registry import Declaration
from .writing.bulk_signals import deleting, inserted, inserting, updated, updating
from .writing.declarations import declare
from .writing.transactions import joined_to_commit, record_pending

__all__ = [
    "FAILURES",
    "NOBODY",
    "Command",
    "Confirmation",
    "Declaration",
    "EventLoopClient",
    "Framed",
    "LoggedTransaction",
    "RememberedRows",
    "Reply",
    "Result",
    "RowChange",
    "Script",
    "Source",
    "Stale",
    "Witness",
    "agreement",
    "apply_logged",
    "apply_waiting",
    "breaker",
    "clear_on_change",
    "conf",
    "confirm",
    "declare",
    "deleting",
    "entry_of",
    "execute",
    "fingerprint",
    "forget_models",
    "inserted",
    "inserting",
    "jittered_ms",
    "joined_to_commit",
    "key_prefix",
    "listen",
    "logged_models",
    "mark_of_run",
    "may_fail_over",
    "new_token",
    "prefix",
    "projection",
    "record_pending",
    "run_together",
    "tell_logged",
    "updated",
    "updating",
    "waiting_invalidations",
    "witness_at_once",
    "witness_of",
]  # fmt: skip
