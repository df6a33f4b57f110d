"""The Django application of jobs: what runs them, and those of the lowest layers."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Configuration of the `jobs` application; registers the jobs that are of no room, and runs commands as jobs."""

    name = "jobs"

    def ready(self) -> None:
        from caching.extend import agreement, apply_waiting, waiting_invalidations
        from caching.management import polling
        from jobs import deletion, registry, worker

        def invalidate() -> None:
            apply_waiting()

        registry.register(
            registry.Job(
                "invalidations", invalidate, lambda: registry.waiting_rows(waiting_invalidations(), "created_at")
            )
        )
        registry.register(registry.Job("redis_copies", agreement.advance))
        registry.register(registry.Job("removals", deletion.step, deletion.waiting, late_s=deletion.LATE_S))
        polling.run_job = lambda name: worker.work(registry.chosen([name]))
