"""The states of a key, and the steps between them."""
