"""The Django application of accounts, profiles, states and search."""

from django.apps import AppConfig


class UsersConfig(AppConfig):
    """Configuration of the `users` application; connects the upkeep of search terms and of logins."""

    name = "users"

    def ready(self) -> None:
        from api import idempotency
        from jobs import deletion
        from users import checks, deletion_hooks, emails, indexing, logins  # noqa: F401  registers the checks

        indexing.watch_users()
        logins.watch_loaded_accounts()
        deletion.register(logins.sweep_expired)
        deletion_hooks.register(logins.delete_logins_of)
        deletion_hooks.register(emails.delete_rows_of)
        deletion_hooks.register(idempotency.delete_answers_to)
