"""Waiting for a condition that another thread or process brings about."""

import time
from collections.abc import Callable

from tests.support.threads import LONGEST_S


def wait_until(condition: Callable[[], object]) -> None:
    """Call `condition` every 5 ms until it returns something true; AssertionError after LONGEST_S seconds."""
    deadline = time.monotonic() + LONGEST_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
