"""Django application that shows the counters."""

from django.apps import AppConfig


class CountersHttpConfig(AppConfig):
    name = "counters.http"
    label = "counters_http"
