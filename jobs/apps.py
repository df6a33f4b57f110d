"""The Django application that provides the `sweep_removed` command."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Configuration of the `jobs` application, which has a command but no tables."""

    name = "jobs"
