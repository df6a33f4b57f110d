"""Limits of size, number and time that hold for each request, whichever server receives it."""

MAX_HEAD_BYTES = 64 << 10
MAX_HEADERS = 100
MAX_TARGET_BYTES = 8_000
HEAD_TIMEOUT_S = 10.0

BODY_PROGRESS_TIMEOUT_S = 10.0
BODY_GRACE_S = 20.0
BODY_BYTES_PER_S = 32 << 10  # on average, after the grace period
MAX_BODY_S = 120.0
# A client that gets its response while it still sends may never read the response. So a refused body is received and
# discarded, if it is no longer than this many times the allowed size.
MAX_DISCARDED_RATIO = 10
# All bodies of a process that are being received or processed: two of the largest, or thousands of usual ones. A worker
# has some 75 MB, which slow clients shall not increase by a third.
MAX_BODIES_BYTES = 6 << 20

DISCARD_TIMEOUT_S = 10.0  # for the rest of a body whose request has been answered

WRITE_TIMEOUT_S = 20.0  # without progress
# All responses of a process that are sent in pieces at the speed of their clients.
MAX_RESPONSES_BYTES = 4 << 20
# What gunicorn's worker itself buffers for all connections: incomplete heads and requests that wait for an answer, for
# which each connection has room for a small one besides; and what clients do not read.
MAX_INPUT_BYTES, SMALL_INPUT_BYTES = 4 << 20, 4 << 10
MAX_OUTPUT_BYTES = 4 << 20
RETRY_AFTER_S = 2
# What a server buffers itself of one long body or response, in front of the application.
SERVER_BUFFER_BYTES = 128 << 10


def body_deadline_s(length: int) -> float:
    """Return the seconds within which a body of `length` bytes has to arrive as a whole."""
    return min(BODY_GRACE_S + length / BODY_BYTES_PER_S, MAX_BODY_S)
