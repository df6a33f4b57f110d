"""The Django application that serves counters over HTTP and in the admin."""

from django.apps import AppConfig


class CountersHttpConfig(AppConfig):
    name = "counters.http"
    label = "counters_http"
