"""Counters over HTTP and in the admin: a Django application of its own."""
