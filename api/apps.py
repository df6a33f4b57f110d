"""The Django application of what rooms share of the HTTP contract."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """Configuration of the `api` application; registers the deletion of answers that are kept no longer."""

    name = "api"

    def ready(self) -> None:
        from api import idempotency
        from jobs import deletion

        deletion.register(idempotency.sweep_expired)
