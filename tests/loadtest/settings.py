"""The settings of the baselines, whose web server sends no commands to Redis besides those of requests."""

from loadtest.baselines.settings import *  # noqa: F403

CACHING = {**CACHING, "PROOF_MS": 3_600_000}  # noqa: F405
