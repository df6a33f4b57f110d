"""The Django application of popups."""

from django.apps import AppConfig


class PopupsConfig(AppConfig):
    """Configuration of the `popups` application; connects signals, and registers deletion and demo data."""

    name = "popups"

    def ready(self) -> None:
        from popups import seeding, services, signals  # noqa: F401  signals connects
        from popups.delivery import protection  # noqa: F401  connects
        from users import deletion_hooks
        from users.seeding import register

        deletion_hooks.register(services.delete_popups_of)
        deletion_hooks.register_keys(services.redis_keys_of)
        register(seeding.seed)
