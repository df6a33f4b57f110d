"""The Django application of what rooms share of the HTTP contract."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """Configuration of the `api` application; registers the deletion of old answers, and a comparison of jobs."""

    name = "api"

    def ready(self) -> None:
        from api import idempotency, installation
        from caching.management import polling
        from jobs import deletion

        deletion.register(idempotency.sweep_expired)
        polling.before_work.append(installation.require_agreement)
