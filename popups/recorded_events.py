"""Counts of the events that this process has recorded, for who observes it."""

from caching.api import Counts

recorded: Counts[str] = Counts()
"""By the type of the event, as popups.models.Event.Type has it."""
