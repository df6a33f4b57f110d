"""Options of the listening sockets of this process, which connections inherit when they are accepted."""

import contextlib
import os
import socket

from serving.requests.limits import WRITE_TIMEOUT_S


def set_write_timeout(seconds: float = WRITE_TIMEOUT_S) -> None:
    """Let the kernel close connections whose client takes nothing of what was sent for so long.

    For servers that neither do so themselves nor give the application their sockets.
    """
    for name in os.listdir("/proc/self/fd") if hasattr(socket, "TCP_USER_TIMEOUT") else []:
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(int(name))) as found:
            if found.family != socket.AF_UNIX and found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                found.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(seconds * 1_000))
