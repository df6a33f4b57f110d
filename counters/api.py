"""The public interface of counters: all that other applications import."""

from counters.aggregates import CountOf, SumOf
from counters.declaration import CounterSet
from counters.deltas import Amounts, append_deltas, forget_targets
from counters.queries import read_targets
from counters.reads import counts_of, request_counts, request_counts_of
from counters.registry import counters_of
from counters.upserts import insert_rows, upsert

__all__ = [
    "Amounts", "CountOf", "CounterSet", "SumOf", "append_deltas", "counters_of", "counts_of",
    "forget_targets", "insert_rows", "read_targets", "request_counts", "request_counts_of", "upsert",
]  # fmt: skip
