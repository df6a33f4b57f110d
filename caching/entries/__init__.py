"""The kinds of entries."""
