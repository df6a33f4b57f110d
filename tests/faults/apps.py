"""The application that brings faults into the processes of an installation, by the environment."""

import os
import time
from datetime import timedelta

from django.apps import AppConfig
from django.utils import timezone


class FaultsConfig(AppConfig):
    """By CRASHES a process dies at a point of the protocol (injection.py), by MUTANT it breaks a rule (mutants.py).

    CLOCK_SHIFT_S is how far its clock is ahead. With FOLLOWS=off the binary log is not followed.
    """

    name = "tests.faults"
    label = "faults"

    def ready(self) -> None:
        if "CRASHES" in os.environ:
            from tests.faults.injection import inject

            inject()
        if shift_s := float(os.environ.get("CLOCK_SHIFT_S", "0")):
            shift_clock(shift_s)
        if os.environ.get("FOLLOWS") == "off":
            from binlog.follower import Follower

            Follower._follow = lambda _: False  # type: ignore[method-assign]
        if name := os.environ.get("MUTANT"):
            from tests.faults.mutants import MUTANTS

            MUTANTS[name].apply()


def shift_clock(shift_s: float) -> None:
    """Have this process believe that it is so much later, but not that more time passes."""
    wall, wall_ns, now = time.time, time.time_ns, timezone.now
    time.time = lambda: wall() + shift_s
    time.time_ns = lambda: wall_ns() + int(shift_s * 1e9)
    timezone.now = lambda: now() + timedelta(seconds=shift_s)
