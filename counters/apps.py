"""The Django application of counters."""

from django.apps import AppConfig


class CountersConfig(AppConfig):
    """Configuration of the `counters` application: the tables of counters and deltas, and their commands."""

    name = "counters"
    default_auto_field = "django.db.models.BigAutoField"
