"""Serve Django on an event loop, with a hot lane for cached reads; import only `serving.api` from outside."""
