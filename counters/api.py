"""The public interface of counters: all that other applications import."""

from counters.aggregates import CountOf, SumOf
from counters.blocks import KEYS, BlockSource
from counters.declaration import CounterSet
from counters.deltas import Amounts, append_deltas, forget_targets
from counters.inspection import CounterKind, counted, counter_kinds, last_target
from counters.queries import read_targets
from counters.reads import counts_of, request_counts, request_counts_of
from counters.reconcile import interrupted_at
from counters.reconcile import run as reconcile
from counters.reconcile import run_one as reconcile_one
from counters.registry import counters_of, kinds
from counters.upserts import insert_rows, upsert

__all__ = [
    "KEYS", "Amounts", "BlockSource", "CountOf", "CounterKind", "CounterSet", "SumOf", "append_deltas", "counted",
    "counter_kinds", "counters_of", "counts_of", "forget_targets", "insert_rows", "interrupted_at", "kinds",
    "last_target", "read_targets", "reconcile", "reconcile_one", "request_counts", "request_counts_of", "upsert",
]  # fmt: skip
