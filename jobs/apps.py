"""Django application of what runs beside the web."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "jobs"
