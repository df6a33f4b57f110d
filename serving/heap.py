"""Settings of the C library's allocator, so that memory which clients needed for a moment goes back to the system."""

import contextlib
import ctypes

M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8
LARGE_BYTES, ARENAS = 64 << 10, 2


def return_large_blocks() -> None:
    """Give blocks of LARGE_BYTES or more back to the system when they are freed; glibc would keep up to 32 MB of each.

    Have no effect where the C library is another one.
    """
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)
        mallopt(M_ARENA_MAX, ARENAS)
