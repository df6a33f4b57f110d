"""The serving side: Django behind an event loop, and the hot lane beside it. Knows no word of the domain."""
