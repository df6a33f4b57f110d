"""What a process of the server tells its supervisor, and learns from it, over one socket that all of them inherit.

The supervisor sends one byte, which nobody takes out of the socket, so that each process sees it. Without a supervisor
(gunicorn started by itself) nothing is ever told.
"""

import contextlib
import os
import socket

CHANNEL = "SERVING_CHANNEL"  # environment variables with file descriptors
SOCKETS = "SERVING_SOCKETS"
REPLACED, STOPPING = b"R", b"S"  # to the server: new processes serve instead; the service is about to stop
EXPECTED, READY = b"w", b"r"  # to the supervisor: one byte for each worker that will start; for each that serves


def _inherited() -> socket.socket | None:
    number = os.environ.get(CHANNEL)
    return socket.socket(fileno=int(number)) if number else None


_channel = _inherited()


def listening_fds() -> list[int]:
    """Return the file descriptors of the supervisor's listening sockets."""
    return [int(number) for number in os.environ[SOCKETS].split(",")]


def expect_workers(number: int) -> None:
    """Tell the supervisor how many workers will report that they are ready."""
    _tell(EXPECTED * number)


def report_ready() -> None:
    """Tell the supervisor that this worker has loaded the application."""
    _tell(READY)


def is_stopping() -> bool:
    """Return whether the whole service is about to stop, and still accepts connections."""
    if _channel is None:
        return False
    try:
        return _channel.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == STOPPING
    except OSError:
        return False


def wait_for_end() -> None:
    """Block until these processes are to end, or the supervisor has been killed."""
    if _channel is not None:
        _channel.recv(1, socket.MSG_PEEK)


def _tell(message: bytes) -> None:
    if _channel is not None:
        with contextlib.suppress(OSError):  # the supervisor has been killed, or does not listen any more
            _channel.send(message, socket.MSG_DONTWAIT)
