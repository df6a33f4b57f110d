"""A connection on which sessions (load/session_mix.py) are played. Standard library only."""

import json

from loadtest.bench.load_generator import Connection
from loadtest.load.accounts import API
from loadtest.load.session_mix import Play, Request

READS_ANSWER = ("feed", "popups/next")  # whose answers a session reads


def encoded(request: Request, head: bytes) -> bytes:
    """Return the bytes of a request; `head` are the headers that all requests of a caller have."""
    line = f"{request.method} {API}{request.path} HTTP/1.1\r\n".encode()
    if request.body is None:
        return b"%b%b\r\n" % (line, head)
    body = json.dumps(request.body).encode()
    return b"%b%bContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (line, head, len(body), body)


class Player:
    """A connection, and the session that is played on it."""

    play: Play
    head: bytes
    request: Request

    def __init__(self, port: int) -> None:
        self.connection = Connection(port, iter(()))

    def begin(self, play: Play, head: bytes) -> None:
        self.play, self.head, self.request = play, head, next(play)
        self.connection.send(encoded(self.request, head))

    def go_on(self, status: str) -> bool:
        """Send the next request of the session; return whether there is one."""
        document = None
        if self.request.kind in READS_ANSWER and status == "200":
            document = json.loads(self.connection.body())
        try:
            self.request = self.play.send(document)
        except StopIteration:
            return False
        self.connection.send(encoded(self.request, self.head))
        return True
