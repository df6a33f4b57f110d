"""The Django application of the baselines that the benchmark compares the project with."""

from django.apps import AppConfig


class BaselinesConfig(AppConfig):
    """Configuration of the `loadtest.baselines` application, installed by the benchmark's settings only."""

    name = "loadtest.baselines"

    def ready(self) -> None:
        """Declare four counters, as many as posts have, of rows that no section writes: they are only read."""
        from counters.api import CounterSet, CountOf
        from loadtest.baselines import favorites
        from social.models import Block

        CounterSet("sample", **dict.fromkeys(("one", "two", "three", "four"), CountOf(Block, "blocker")))
        favorites.connect_signals()
