"""Numbers derived from rows: declared beside the rows, exact, and never a lock that requests wait for.

CounterSet("user", followers=CountOf(Follow, "followee"), following=CountOf(Follow, "follower"))
"""

from counters.registry import CounterSet, CountOf, SumOf

__all__ = ["CountOf", "CounterSet", "SumOf"]
