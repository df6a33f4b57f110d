"""The Django application of accounts, profiles, states and search."""

from django.apps import AppConfig


class UsersConfig(AppConfig):
    """Configuration of the `users` application; connects the upkeep of search terms to writes of accounts."""

    name = "users"

    def ready(self) -> None:
        from users import checks, indexing  # noqa: F401  registers the checks

        indexing.watch_users()
