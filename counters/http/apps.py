"""The Django application that serves counters over HTTP and in the admin, and has them rolled up."""

from django.apps import AppConfig


class CountersHttpConfig(AppConfig):
    """Configuration of the application counters_http, which has no tables; registers the roll-up as a job."""

    name = "counters.http"
    label = "counters_http"

    def ready(self) -> None:
        from counters import rollup
        from jobs.api import Job, register, waiting_rows

        register(Job("rollup", rollup.step, lambda: waiting_rows(rollup.waiting_deltas(), "created_at")))
