"""Django application of the cache framework."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate


class CachingConfig(AppConfig):
    """Configuration of the `caching` application; registers the system checks of cached models."""

    name = __package__  # the folder works under any import path
    label = "caching"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import checks  # noqa: F401  registers them
        from .ops import rewritten
        from .writing import deletion, saving

        deletion.install()
        saving.install()
        # As sender: once for each run, not once for each application of the project.
        pre_migrate.connect(rewritten.expect_migrations, sender=self)
        post_migrate.connect(rewritten.forget_database, sender=self)
