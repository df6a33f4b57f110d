"""A client's socket that does not let a thread wait while the client reads a response."""

import select
import socket
from typing import Any

from serving.requests.limits import WRITE_TIMEOUT_S

MAX_UNSENT_BYTES = 2 << 20


class BufferedSocket(socket.socket):
    """A socket that keeps in `unsent` what the client does not take at once; flush() sends it later.

    `head` is the beginning of the request that is being answered.
    """

    head = b""

    def __init__(self, accepted: socket.socket) -> None:
        super().__init__(accepted.family, accepted.type, accepted.proto, fileno=accepted.detach())
        self.unsent = bytearray()

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send or keep all data; wait only while more is kept than MAX_UNSENT_BYTES.

        Raise BrokenPipeError if the client then reads nothing for WRITE_TIMEOUT_S.
        """
        self.unsent += data
        self.flush()
        while len(self.unsent) > MAX_UNSENT_BYTES:
            poll = select.poll()
            poll.register(self, select.POLLOUT)
            if not poll.poll(WRITE_TIMEOUT_S * 1_000):
                raise BrokenPipeError("The client does not read.")
            self.flush()

    def flush(self) -> None:
        """Send as much as the client takes now."""
        try:
            while self.unsent:
                del self.unsent[: self.send(self.unsent, socket.MSG_DONTWAIT)]
        except BlockingIOError:
            return
