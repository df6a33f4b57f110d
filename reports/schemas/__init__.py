"""The JSON shapes of answers and of input."""
