"""The Django application of metrics."""

from django.apps import AppConfig


class MetricsConfig(AppConfig):
    """Configuration of the `metrics` application: each worker writes its numbers, and one job samples the cache."""

    name = "metrics"

    def ready(self) -> None:
        from caching.management import polling
        from jobs import api as jobs
        from metrics import sampling, snapshots
        from serving.api import call_at_start

        jobs.register(jobs.Job("sampling", sampling.check.step))
        call_at_start(snapshots.start)
        polling.before_work.append(snapshots.start)
