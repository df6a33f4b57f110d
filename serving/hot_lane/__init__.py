"""Cached reads, answered in the event loop."""
