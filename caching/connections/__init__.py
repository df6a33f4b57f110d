"""Connections to databases: what happens on them, what they can tell of other transactions, and their limits."""
