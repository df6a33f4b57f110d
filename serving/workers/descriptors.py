"""The number of connections that a process may have, which its limit of file descriptors bounds."""

import contextlib
import resource

OTHER_DESCRIPTORS = 200  # of files, of connections to the database and to Redis
MAX_CONNECTIONS = 50_000
MAX_DESCRIPTORS = 65_536


def max_connections() -> int:
    """Raise this process's limit of descriptors as far as permitted, and return how many connections may use."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MAX_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    available = MAX_DESCRIPTORS if soft == resource.RLIM_INFINITY else soft
    return max(100, min(available - OTHER_DESCRIPTORS, MAX_CONNECTIONS))
