"""The Django application of accounts, profiles, states and search."""

from django.apps import AppConfig


class UsersConfig(AppConfig):
    """Configuration of the `users` application; connects the upkeep of search terms, logins and former names."""

    name = "users"

    def ready(self) -> None:
        from api import idempotency
        from jobs import deletion
        from jobs.api import Job, register, waiting_rows
        from users import (  # noqa: F401  checks registers
            checks,
            deletion_hooks,
            emails,
            erasure,
            export_parts,
            former_names,
            indexing,
            logins,
            mailer,
            related_rows,
            staff_sessions,
        )
        from users.models import Erasure, Login

        indexing.watch_users()
        logins.watch_loaded_accounts()
        export_parts.register_parts()
        former_names.watch_users()
        erasure.watch_users()
        deletion.register(erasure.sweep, lambda: waiting_rows(Erasure.objects.all(), "requested_at"))
        register(Job("mails", mailer.step, mailer.waiting))
        deletion.register(logins.sweep_expired)
        deletion.register(former_names.sweep_expired)
        deletion.register(staff_sessions.sweep_expired)
        deletion_hooks.register(logins.delete_logins_of)
        deletion_hooks.register(erasure.delete_log_of)
        deletion_hooks.register(emails.delete_rows_of)
        deletion_hooks.register(idempotency.delete_answers_to)
        related_rows.register(related_rows.RelatedRows("sessions", Login, "user"))
