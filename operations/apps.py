"""The Django application of the operator's page."""

from django.apps import AppConfig


class OperationsConfig(AppConfig):
    """Configuration of the `operations` application, which has permissions but no table."""

    name = "operations"

    def ready(self) -> None:
        from django.conf import settings
        from django.contrib import admin

        from operations import history, watch
        from serving.api import call_at_start

        admin.site.index_template = "admin/operations/index.html"
        call_at_start(history.start)
        if settings.LOG_HEALTH:
            call_at_start(watch.start)
