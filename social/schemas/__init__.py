"""The JSON shapes of answers."""
