"""Numbers derived from rows: declared beside the rows, exact, and without a lock that requests wait for.

    CounterSet("user", followers=CountOf(Follow, "followee"), following=CountOf(Follow, "follower"))

Applications import from `counters.api`. Everything but `counters.http`, which serves counters over HTTP and in the
admin, imports `caching` alone.
"""
