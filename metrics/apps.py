"""The Django application of metrics."""

from django.apps import AppConfig


class MetricsConfig(AppConfig):
    """Configuration of the `metrics` application: workers of jobs write their numbers, too."""

    name = "metrics"

    def ready(self) -> None:
        from caching.management import polling
        from metrics import snapshots

        polling.before_work.append(snapshots.start)
