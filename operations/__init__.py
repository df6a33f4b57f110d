"""The operator's page in the admin: how the servers, the jobs and the cache are, single entries, and what was done.

It is looked at when something is wrong, so it asks each server with a time limit of its own, shows what it has got, and
can be opened while the database is away by whoever has seen it shortly before (see operations.access).
"""
