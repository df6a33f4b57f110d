"""The Django application of reports, and of the queue in which the staff decides on them."""

from django.apps import AppConfig


class ReportsConfig(AppConfig):
    """Configuration of the `reports` application; registers deletion, and what belongs to an account."""

    name = "reports"
    verbose_name = "Moderation"

    def ready(self) -> None:
        from reports import export_parts, services
        from reports.models import Case, Report
        from users import deletion_hooks, related_rows

        export_parts.register_parts()
        deletion_hooks.register(services.delete_reports_of)
        related_rows.register(
            related_rows.RelatedRows("reports about the user", Case, "author"),
            related_rows.RelatedRows("reports by the user", Report, "reporter", kept=" (kept, without name and text)"),
        )
