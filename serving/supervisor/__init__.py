"""The process that `python -m serving` stays: it owns the listening sockets, and replaces the server without a gap."""
