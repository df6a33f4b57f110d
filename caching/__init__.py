"""A cache framework for Django: Redis answers, the database is the truth, and nobody reads a stale value.

README.md shows how to adopt it. Applications import from `caching.api`, authors of new kinds of entries also from
`caching.extend`, tests from `caching.testutils`; everything else is internal. The folders are layers, lowest first:
redis, protocol, writing, entries, reading, orm, ops.
"""
