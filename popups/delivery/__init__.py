"""Choosing the popup that a user is shown: decided in memory, claimed in Redis."""
