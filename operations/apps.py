"""The Django application of the operator's page."""

from django.apps import AppConfig


class OperationsConfig(AppConfig):
    """Configuration of the `operations` application, which has permissions but no table."""

    name = "operations"

    def ready(self) -> None:
        from django.contrib import admin

        admin.site.index_template = "admin/operations/index.html"
