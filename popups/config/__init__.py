"""The configs of popups: compiled, and held in the memory of each process."""
