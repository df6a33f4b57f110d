"""Accepting connections so that all workers get an equal share of them."""
