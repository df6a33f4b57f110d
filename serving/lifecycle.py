"""What a process of the server tells its supervisor, and learns from it, over one socket that all of them inherit.

The supervisor sends one byte, which nobody takes out of the socket, so that each process sees it. Without a supervisor
(gunicorn started by itself) nothing is ever told.
"""

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterable

CHANNEL = "SERVING_CHANNEL"  # environment variables with file descriptors
SOCKETS = "SERVING_SOCKETS"
REPLACED, STOPPING = b"R", b"S"  # to the server: new processes serve instead; the service is about to stop
EXPECTED, READY = b"w", b"r"  # to the supervisor: one byte for each worker that will start; for each that serves


def variable(descriptor: int) -> str:
    """Return the value of the variable CHANNEL for a descriptor; it names the socket too.

    The variable, but not the descriptor, reaches other programs that a worker starts.
    """
    return f"{descriptor}:{os.fstat(descriptor).st_ino}"


def channel_fd() -> int | None:
    """Return the file descriptor of the channel; None without a supervisor."""
    value = os.environ.get(CHANNEL, "")
    with contextlib.suppress(OSError, ValueError):
        descriptor = int(value.partition(":")[0])
        return descriptor if variable(descriptor) == value else None
    return None


def _inherited() -> socket.socket | None:
    descriptor = channel_fd()
    return None if descriptor is None else socket.socket(fileno=descriptor)


_channel = _inherited()
_at_start: list[Callable[[], None]] = []


def listening_fds() -> list[int]:
    """Return the file descriptors of the supervisor's listening sockets."""
    return [int(number) for number in os.environ[SOCKETS].split(",")]


def expect_workers(number: int) -> None:
    """Tell the supervisor how many workers will report that they are ready."""
    _tell(EXPECTED * number)


def report_ready() -> None:
    """Tell the supervisor that this worker has loaded the application, and call what was to be called then."""
    _tell(READY)
    for function in _at_start:
        function()


def call_at_start(function: Callable[[], None]) -> None:
    """Call a function in each worker once it has loaded the application; in no other process."""
    _at_start.append(function)


def is_stopping() -> bool:
    """Return whether the whole service is about to stop, and still accepts connections."""
    return _told() == STOPPING


def is_abandoned() -> bool:
    """Return whether the supervisor has been killed: it would have told before it ends."""
    return _told() == b""


def _told() -> bytes | None:
    """Return the supervisor's byte: b"" once it was killed, None if it has not told anything."""
    if _channel is None:
        return None
    try:
        return _channel.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except OSError:
        return None


def call_at_end(function: Callable[[], None]) -> None:
    """Call a function in a thread of its own, once these processes are to end or the supervisor has been killed."""
    if _channel is not None:
        threading.Thread(target=_wait_and_call, args=(_channel, function), daemon=True).start()


def _wait_and_call(channel: socket.socket, function: Callable[[], None]) -> None:
    with contextlib.suppress(OSError):
        channel.recv(1, socket.MSG_PEEK)
    function()


def stop_accepting(descriptors: Iterable[int]) -> None:
    """Replace listening sockets, under their descriptors in this process, by one to which nobody connects.

    For servers that cannot be told to stop accepting, or that keep a socket open on which they do not accept.
    """
    with socket.create_server(("127.0.0.1", 0)) as unknown:
        unknown.setblocking(False)
        for descriptor in descriptors:
            os.dup2(unknown.fileno(), descriptor)


def _tell(message: bytes) -> None:
    if _channel is not None:
        with contextlib.suppress(OSError):  # the supervisor has been killed, or does not listen any more
            _channel.send(message, socket.MSG_DONTWAIT)
