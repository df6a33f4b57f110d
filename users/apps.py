"""The Django application of accounts, profiles, states and search."""

from django.apps import AppConfig


class UsersConfig(AppConfig):
    name = "users"

    def ready(self) -> None:
        from users import indexing

        indexing.watch_users()
