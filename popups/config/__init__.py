"""Popup configs: compiled, and cached in the memory of each process."""
