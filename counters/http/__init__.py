"""Counters over HTTP and in the admin, as a Django application of its own."""
