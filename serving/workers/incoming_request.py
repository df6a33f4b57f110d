"""A request that is arriving at gunicorn's main loop: what has come, what is missing, how long it may take."""

import re

from django.conf import settings

from serving.requests.limits import (
    BODY_PROGRESS_TIMEOUT_S,
    HEAD_TIMEOUT_S,
    MAX_DISCARDED_RATIO,
    MAX_HEAD_BYTES,
    body_deadline_s,
)
from serving.requests.memory_budget import MemoryShare
from serving.requests.refusals import bad_request, head_too_large, length_required, too_busy

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,18})[ \t]*\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding[ \t]*:", re.IGNORECASE)
_EXPECT = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE)


class IncomingRequest:
    """Collects the bytes of one request, until its head and its body are complete.

    A body that Django will refuse is counted, but not kept. `is_cut` says that the request is complete without its
    body, so nothing more may be read from the connection.
    """

    def __init__(self, share: MemoryShare, now_s: float) -> None:
        self.share = share
        self.deadline_s = now_s + HEAD_TIMEOUT_S
        self.data = bytearray()
        self.is_complete = self.is_cut = self.expects_continue = False
        self._last_s = 0.0
        self._has_head = self._discards = False
        self._missing = 0  # bytes of the body

    def feed(self, data: bytes, now_s: float) -> None:
        """Take more bytes; raise Refusal if they cannot become a request that is served."""
        if self._discards:
            self._count_body(len(data), now_s)
            return
        if not self.share.add(len(data)):
            raise too_busy()
        searched = max(0, len(self.data) - 3)
        self.data += data
        if self._has_head:
            self._count_body(len(data), now_s)
        else:
            self._find_head(searched, now_s)

    def _find_head(self, searched: int, now_s: float) -> None:
        if self.data.startswith(b"\r\n"):  # one empty line may precede a request (RFC 9112, 2.2)
            del self.data[:2]
            searched = 0
        end = self.data.find(b"\r\n\r\n", searched)
        length = len(self.data) if end < 0 else end
        if length > MAX_HEAD_BYTES:
            raise head_too_large()
        if self.data and not (self.data[:1].isalpha() or self.data == b"\r"):
            raise bad_request("The request does not begin with a method.")
        if self.data.find(b"\n\n", searched, length) >= 0:
            raise bad_request("Lines end with CR and LF.")
        if end >= 0:
            self._begin_body(bytes(self.data[: end + 4]), now_s)

    def _begin_body(self, head: bytes, now_s: float) -> None:
        limit, found = settings.DATA_UPLOAD_MAX_MEMORY_SIZE, _LENGTH.search(head)
        length = int(found[1]) if found else 0
        is_refused = limit is not None and length > limit
        self.expects_continue = bool(length and _EXPECT.search(head))
        if _CHUNKED.search(head):
            raise length_required()
        if is_refused and (self.expects_continue or length > MAX_DISCARDED_RATIO * limit):
            self.is_cut = self.is_complete = True
            return
        arrived = len(self.data) - len(head)
        if is_refused:
            self._discards = self.is_cut = True
            del self.data[len(head) :]
        self._has_head, self._missing, self._last_s = True, length, now_s + body_deadline_s(length)
        self._count_body(arrived, now_s)

    def _count_body(self, count: int, now_s: float) -> None:
        self._missing -= count
        self.is_complete = self._missing <= 0
        self.deadline_s = min(now_s + BODY_PROGRESS_TIMEOUT_S, self._last_s)
