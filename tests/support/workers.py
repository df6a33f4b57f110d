"""How many processes pytest-xdist starts for a whole suite."""

import os

MOST_WORKERS = 5  # each starts servers, and the longest test is a lower bound for the time
EXTRA_WORKERS = 2  # more than cores, because many tests wait for processes and time limits


def pytest_xdist_auto_num_workers() -> int:
    return min(len(os.sched_getaffinity(0)) + EXTRA_WORKERS, MOST_WORKERS)
