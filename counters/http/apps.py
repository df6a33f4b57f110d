"""The Django application that serves counters over HTTP and in the admin."""

from django.apps import AppConfig


class CountersHttpConfig(AppConfig):
    """Configuration of the `counters.http` application, under the label counters_http; it has no tables."""

    name = "counters.http"
    label = "counters_http"
