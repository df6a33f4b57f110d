"""Django application of the cache framework."""

from django.apps import AppConfig


class CachingConfig(AppConfig):
    """Configuration of the `caching` application; registers the system checks of cached models."""

    name = __package__  # the folder works under any import path
    label = "caching"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import checks  # noqa: F401  registers them
        from .writing import deletion, saving

        deletion.install()
        saving.install()
