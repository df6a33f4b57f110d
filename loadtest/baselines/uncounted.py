"""The settings of the benchmark with nothing counted for metrics, and without what writes the numbers."""

from importlib import import_module
from typing import Any

from loadtest.baselines.settings import *  # noqa: F403

INSTALLED_APPS = [app for app in INSTALLED_APPS if app != "metrics"]  # noqa: F405
MIDDLEWARE = [name for name in MIDDLEWARE if not name.startswith("metrics.")]  # noqa: F405


def _nothing(*_: object) -> None:
    pass


# What counts is called, and does nothing. Hits of the cache are counted all the same, as before there were metrics.
counts: Any = import_module("caching.counts")
counts.Counts.add = counts.Durations.add = counts.Series.add = _nothing
