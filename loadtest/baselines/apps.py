from django.apps import AppConfig


class BaselinesConfig(AppConfig):
    name = "loadtest.baselines"

    def ready(self) -> None:
        """A kind with four counters, as posts have, of rows that no benchmark writes: its targets are to be read."""
        from counters.api import CounterSet, CountOf
        from loadtest.baselines import favorites
        from social.models import Block

        CounterSet("sample", **dict.fromkeys(("one", "two", "three", "four"), CountOf(Block, "blocker")))
        favorites.watch()
