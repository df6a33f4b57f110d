"""The Django application of popups."""

from django.apps import AppConfig


class PopupsConfig(AppConfig):
    """Configuration of the `popups` application; connects signals, and registers deletion, jobs and demo data."""

    name = "popups"

    def ready(self) -> None:
        from jobs import api as jobs
        from jobs import deletion
        from popups import export_parts, retention, seeding, services, signals  # noqa: F401  signals connects
        from popups.delivery import protection  # noqa: F401  connects
        from popups.events import job
        from popups.models import Event
        from users import deletion_hooks, related_rows
        from users.seeding import register

        export_parts.register_parts()
        deletion.register(retention.sweep_expired)
        deletion_hooks.register(services.delete_popups_of)
        deletion_hooks.register_keys(services.redis_keys_of)
        register(seeding.seed)
        jobs.register(jobs.Job("popup_events", job.step, job.waiting))
        related_rows.register(related_rows.RelatedRows("events of popups", Event, "user"))
