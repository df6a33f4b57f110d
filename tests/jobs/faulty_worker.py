"""A worker whose jobs do what files say: python -m tests.jobs.faulty_worker FOLDER [name…].

While FOLDER/<job> exists, each step of the job raises an error, or hangs; what began to hang leaves FOLDER/<job>.began.
"""

import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import django
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import OperationalError


def faulty(file: Path, step: Callable[[], object]) -> object:
    """Do what the file says, then the job's step."""
    kind = file.read_text() if file.exists() else ""
    if kind == "outage":
        raise OperationalError(2006, "Server has\ngone away")
    if kind == "bug":
        raise TypeError("a bug")
    if kind == "exit":
        raise SystemExit("leave")
    if kind == "hang":
        file.with_suffix(".began").touch()
        while file.exists():
            time.sleep(0.01)
    return step()


def main(folder: str, *names: str) -> None:
    """Run jobs with faults."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()
    from jobs import registry, worker

    worker.STOP_S = float(os.environ.get("STOP_S", worker.STOP_S))
    for job in registry.known():
        registry.register(job._replace(step=partial(faulty, Path(folder) / job.name, job.step)))
    try:
        call_command("run_jobs", *names)
    except CommandError as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main(*sys.argv[1:])
