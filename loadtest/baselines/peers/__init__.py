"""A Django project of its own on the same tables: what a good team builds with DRF and a library that caches the ORM.

It has the requests of a session (see loadtest/load/session_mix.py) with the answers of the API, and imports nothing of
the project. PEER selects how it caches: "orm" (not at all), "cacheops" or "cachalot"; the code is the same but for
cache.py. requirements-peers.txt has the two libraries.
"""
