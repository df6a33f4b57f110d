"""Responses from the cache alone, made in the event loop."""
