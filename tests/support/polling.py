"""Waiting for a condition that another thread or process brings about."""

import time
from collections.abc import Callable

from tests.support.threads import LONGEST_S


def wait_until(condition: Callable[[], object]) -> None:
    """Call `condition` every 5 ms, after a while every 50, until it returns something true; AssertionError after
    LONGEST_S seconds."""
    deadline, pause_s = time.monotonic() + LONGEST_S, 0.005
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(pause_s)
        pause_s = min(pause_s * 1.1, 0.05)  # on a busy machine, asking keeps others from what is waited for
