"""What a connection has to know of a request's head before uvicorn's protocol gets it."""

import re
from typing import NamedTuple

_LINE = re.compile(rb"([^ \n]+) ([^ \n]+) ([^ \n]+\r\n)")  # llhttp takes several blanks
_HOST = re.compile(rb"[^/?#*][^/?#]*//[^/?#]*")  # in a target
_LENGTH = re.compile(rb"\ncontent-length:[ \t]*([0-9]{1,18})[ \t]*\r?\n")


class RequestHead(NamedTuple):
    """A request's head as uvicorn's protocol takes it, the target as it was sent, and the length of the body.

    `is_last` says that nothing behind this request on the connection can be understood.
    """

    data: bytes
    target: str
    body_bytes: int
    is_last: bool


def parse(data: bytes) -> RequestHead | None:
    """Return what the lines of a head say; None for a malformed request line."""
    line = _LINE.match(data)
    if line is None or line[1] == b"PRI":  # after the preface of HTTP/2, llhttp waits for more than the head
        return None
    target, fields = line[2], data.lower()
    length = _LENGTH.search(fields)
    # A body in chunks is refused, and its end not looked for.
    is_last = b"\ntransfer-encoding:" in fields or b"\nupgrade:" in fields
    if not target.startswith(b"/"):
        data = b"%b %b %b" % (line[1], _origin_form(target), line[3]) + data[line.end() :]
    return RequestHead(data, target.decode("latin-1"), int(length[1]) if length else 0, is_last)


def _origin_form(target: bytes) -> bytes:
    """Return the path and query of a target that names a host, RFC 9112 section 3.2.2; another target as it is."""
    rest = _HOST.sub(b"", target, count=1)
    return rest if rest.startswith((b"/", b"*")) else b"/" + rest
