"""Numbers derived from rows: declared beside the rows, exact, and never a lock that requests wait for.

    CounterSet("user", followers=CountOf(Follow, "followee"), following=CountOf(Follow, "follower"))

Rooms import from `counters.api`. Everything but `counters.http`, which shows counters over HTTP and in the admin,
imports `caching` alone.
"""
