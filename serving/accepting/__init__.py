"""Accepting connections: each worker leaves the others their share."""
