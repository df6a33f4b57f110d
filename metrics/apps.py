"""The Django application of metrics."""

from django.apps import AppConfig


class MetricsConfig(AppConfig):
    """Configuration of the `metrics` application: each worker writes its numbers."""

    name = "metrics"

    def ready(self) -> None:
        from caching.management import polling
        from metrics import snapshots
        from serving.api import call_at_start

        call_at_start(snapshots.start)
        polling.before_work.append(snapshots.start)
