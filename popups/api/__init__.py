"""Popups over HTTP."""
