"""Middleware: probes, the client's address behind proxies, and sessions for pages only."""
