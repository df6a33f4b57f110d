"""The Django application that provides the `sweep_removed` command."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "jobs"
