"""manage.py run_jobs: run all that has to run beside the web processes."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from jobs import registry, worker


class Command(BaseCommand):
    """Command `run_jobs`: runs jobs, each in a thread of its own, until SIGTERM or SIGINT."""

    help = (
        "Run all registered jobs, or those that are named, until stopped. Several workers may run at once. A job that "
        "fails is tried again, after a while; at SIGTERM each ends its current step."
    )
    requires_system_checks = ()  # they import what only web processes need

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("names", nargs="*", metavar="name", help="a job; default: all jobs")
        parser.add_argument("--healthy-file", type=Path, help="touch this file every few seconds while no job hangs")

    def handle(self, *, names: list[str], healthy_file: Path | None, **options: Any) -> None:
        try:
            worker.work(registry.chosen(names), healthy_file=healthy_file)
        except (registry.UnknownJob, worker.Unstopped) as error:
            raise CommandError(str(error)) from error
