"""One HTTP/1 connection.

The connection finds the end of each request's head itself, which bounds its size and the time that it takes. A request
that the hot lane can answer is given to the lane. All others go to uvicorn's protocol, one at a time; it is made when
it is first needed, so that a client which sends nothing costs little memory.
"""

import asyncio
import re
from enum import Enum, auto
from functools import partial
from math import inf
from typing import Any

from api import request_ids
from serving.http import headers, request_head
from serving.http.connections import Connections, Environ
from serving.http.http_tools import Protocol
from serving.http.transport import ProtocolTransport
from serving.requests import limits, small_bodies
from serving.requests.refusals import Refusal, bad_request, head_too_large, request_timeout, too_busy

LINGER_S = 2  # for a client that still sends to read its answer, before the connection is reset
MAX_FAST_PATH_BYTES = 2048  # of a request, with its headers
MAX_WAITING_BYTES = 64 << 10  # read ahead of the request in progress
WRITE_BUFFER_BYTES = 8 << 10
HEAD_END = re.compile(rb"\n\r?\n")


class State(Enum):
    """What a connection does."""

    IDLE = auto()  # waits for a request, or for the rest of its head
    IN_LANE = auto()  # waits for the hot lane
    IN_DJANGO = auto()  # receives a request's body, or waits for the answer
    LINGERING = auto()  # has sent the last answer, and discards what the client still sends


IDLE, IN_LANE, IN_DJANGO, LINGERING = State


class Connection(asyncio.Protocol):
    """The protocol of one connection: gives requests to the hot lane or to uvicorn's protocol."""

    __slots__ = (
        "_body_left", "_buffer", "_connections", "_counted", "_extra_environ", "_has_ended", "_inner", "_is_answered",
        "_is_last", "_is_paused", "_lane", "_loop", "_phase_since", "_scheme", "_searched", "_state", "_target",
        "_transport", "_unsent", "_write_paused", "_writer", "idle_since", "timeout_s",
    )  # fmt: skip

    def __init__(self, connections: Connections) -> None:
        self._connections, self._lane = connections, connections.lane
        self._state = IDLE
        self._inner: Protocol | None = None
        self._writer: ProtocolTransport | None = None  # the transport of uvicorn's protocol
        self._buffer = bytearray()  # received, and not yet used
        self._counted = 0  # bytes of the buffer that Connections knows of
        self._searched = 0  # bytes of the buffer that do not contain the end of a head
        self._phase_since = 0.0  # when the head, or the rest of a body, began to arrive
        self._is_answered = True  # by the application, if uvicorn's protocol has a request
        self._body_left = 0  # bytes of its body to come
        self._target = ""
        self._extra_environ: dict[str, Any] = {}
        self._unsent = 0
        self._is_paused = self._write_paused = False
        self._has_ended = False  # the client has closed its side
        self._is_last = False  # nothing that comes after the current request is used

    # asyncio's interface

    def connection_made(self, transport: Any) -> None:
        self._transport, self._loop = transport, asyncio.get_running_loop()
        self._scheme = "https" if transport.get_extra_info("sslcontext") else "http"
        transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)
        self.idle_since: float = self._loop.time()
        self.timeout_s: float = limits.HEAD_TIMEOUT_S
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._buffer.clear()
        self._count_buffer()
        self._connections.discard(self)
        if self._inner is not None:
            self._inner.connection_lost(exc)
            self._inner = self._writer = None

    def data_received(self, data: bytes) -> None:
        self.idle_since = inf
        if self._state is not IDLE or self._buffer or not self._try_lane(data):
            self._buffer += data
            self._process_buffer()

    def eof_received(self) -> bool:
        """Return whether the connection stays open, because a request is to be answered."""
        self._has_ended = True
        is_complete = self._state is IN_LANE or (self._state is IN_DJANGO and not self._body_left)
        return is_complete and self._scheme == "http"  # TLS connections cannot be half closed

    def pause_writing(self) -> None:
        self._write_paused = True
        self._unsent = self.unsent_bytes()
        self._connections.add_slow_reader(self)
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._write_paused = False
        self._connections.remove_slow_reader(self)
        if self._inner is not None:
            self._inner.resume_writing()

    # What Connections calls

    def expire(self) -> None:
        """End the connection, because the client took too long to send a request, or to read the answer."""
        if self.unsent_bytes():
            self._expire_unless_reading()
        elif self._state is IDLE and self._phase_since:
            self._refuse(request_timeout())
        else:
            self._close()

    def close_if_idle(self) -> None:
        """Close the connection unless a request is in progress."""
        if self._transport.is_closing():
            self.abort()
        elif self._state is not IN_LANE and self._is_answered:
            self._close()

    def abort(self) -> None:
        """Close the connection without sending what is buffered."""
        self._transport.abort()

    def unsent_bytes(self) -> int:
        """Return the number of buffered bytes that the client has not read."""
        unsent: int = self._transport.get_write_buffer_size()
        return unsent

    def _expire_unless_reading(self) -> None:
        unsent = self.unsent_bytes()
        if unsent >= self._unsent:
            self.abort()
        self._unsent, self.idle_since = unsent, self._loop.time()

    # Requests for the hot lane

    def _try_lane(self, data: bytes) -> bool:
        """Return whether the lane has begun to answer a request that is all of `data`."""
        if self._lane is None or self._write_paused or len(data) > MAX_FAST_PATH_BYTES:
            return False
        request = small_bodies.take_apart(data)
        if request is None:
            return False
        head, method, path, query, lines, body = request
        try:
            (parsed, keep_alive), request_id = headers.parse(self._lane, self._scheme, lines)
        except headers.UnsupportedHeaders:
            return False
        extra_environ: dict[str, Any] = {} if request_id is None else {request_ids.ENVIRON: request_id}
        callback = partial(self._finish_lane, head, body, keep_alive, extra_environ)
        if not self._lane.try_answer(parsed, path, query, extra_environ, callback, method, body):
            return False
        self._state = IN_LANE
        return True

    def _finish_lane(
        self, head: bytes, body: bytes, keep_alive: bool, extra_environ: dict[str, Any], answer: Any
    ) -> None:
        if self._transport.is_closing():
            return
        if answer is None:
            self._extra_environ = extra_environ
            self._buffer[:0] = body
            self._give_to_django(head)
            self._process_buffer()
            return
        connections = self._connections
        keep_alive = keep_alive and not self.is_ending()
        own = request_ids.header_line(extra_environ.get(request_ids.ENVIRON))
        end = b"\r\n" if keep_alive else b"connection: close\r\n\r\n"
        parts = [answer.http1_status, connections.date_line, own, *answer.http1_headers(), end, answer.body]
        self._transport.write(b"".join(parts))
        connections.server_state.total_requests += 1
        if keep_alive:
            self._become_idle()
        else:
            self._close()

    # Requests for Django

    def _process_buffer(self) -> None:
        """Use as much as possible of what has been received."""
        while self._buffer and self._use_buffer():
            pass
        self._count_buffer()
        self._pause_reading(self._state is not IDLE and len(self._buffer) > MAX_WAITING_BYTES)

    def _use_buffer(self) -> bool:
        """Use a part of the buffer; return whether more of it may be usable."""
        if self._state is LINGERING or self._is_last:
            self._buffer.clear()
        elif self._state is IDLE:
            return self._begin_request()
        elif self._body_left:
            self._give_body()
            return True
        return False

    def _begin_request(self) -> bool:
        """Give a request to the lane or to Django as soon as its head is complete."""
        if self._buffer[0] in b"\r\n":  # empty lines before a request are ignored, RFC 9112 section 2.2
            self._buffer = self._buffer.lstrip(b"\r\n")
        found = HEAD_END.search(self._buffer, self._searched)
        size = found.end() if found else len(self._buffer)
        if size > limits.MAX_HEAD_BYTES or self._buffer.count(b"\n", 0, size) > limits.MAX_HEADERS + 2:
            self._refuse(head_too_large())
        elif found is None:
            self._searched = max(0, size - 2)
            self._limit_time(limits.HEAD_TIMEOUT_S)
        else:
            head = self._take(size)
            self._phase_since, self._searched = 0.0, 0
            if not self._try_lane(head):
                self._give_to_django(head)
                return True
        return False

    def _give_to_django(self, data: bytes) -> None:
        head = request_head.parse(data)
        if head is None:
            self._state = IDLE
            self._refuse(bad_request("The request line is malformed."))
            return
        self._state, self._is_answered = IN_DJANGO, False
        self._target, self._body_left, self._is_last = head.target, head.body_bytes, head.is_last
        (self._inner or self._make_inner()).data_received(head.data)

    def _make_inner(self) -> Protocol:
        self._inner = Protocol(
            config=self._connections.config,
            server_state=self._connections.server_state,
            app_state={"connection": self},
        )
        self._writer = ProtocolTransport(self._transport, self._close_for_django)
        self._inner.connection_made(self._writer)  # type: ignore[arg-type]  # delegates to a transport
        if self._write_paused:
            self._inner.pause_writing()
        return self._inner

    def _give_body(self) -> None:
        data = self._take(self._body_left)
        self._body_left -= len(data)
        if self._inner is not None:
            self._inner.data_received(data)
        if self._is_answered:
            self._discard_body()

    def _discard_body(self) -> None:
        """Wait for the rest of the body of an answered request."""
        if self._body_left:
            self._limit_time(limits.DISCARD_TIMEOUT_S)
        else:
            self._become_idle()

    def take_extra_environ(self) -> Environ:
        """Return what is known of the next request besides its scope: its target, and what the hot lane found out."""
        extra_environ, self._extra_environ = self._extra_environ, {}
        extra_environ["RAW_URI"] = self._target
        return extra_environ

    def is_ending(self) -> bool:
        """Return whether the next answer is to be the last one."""
        return self._is_last or self._connections.draining

    def request_answered(self) -> None:
        """Note that the application has answered a request."""
        self._is_answered = True
        if not self._transport.is_closing() and self._state is IN_DJANGO:
            self._discard_body()

    def _close_for_django(self) -> None:
        # uvicorn's protocol also closes connections that are idle, as far as it knows.
        if self._state not in (IDLE, IN_LANE):
            self._close()

    # Parts of the above

    def _become_idle(self) -> None:
        self._state, self._phase_since = IDLE, 0.0
        self.idle_since, self.timeout_s = self._loop.time(), self._connections.keep_alive_s
        if self._buffer:
            self.idle_since = inf
            self._process_buffer()
        if self._state is IDLE:
            self._pause_reading(False)
            if self._has_ended:
                self._close()

    def _limit_time(self, timeout_s: float) -> None:
        """Limit the time for the rest of a head or body, from its first byte on."""
        self._phase_since = self._phase_since or self._loop.time()
        self.idle_since, self.timeout_s = self._phase_since, timeout_s

    def _take(self, size: int) -> bytes:
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def _count_buffer(self) -> None:
        size = len(self._buffer)
        if size != self._counted:
            has_room = self._connections.count_input(size - self._counted)
            self._counted = size
            if not has_room and size > limits.SMALL_INPUT_BYTES:
                self._refuse(too_busy())

    def _pause_reading(self, is_paused: bool) -> None:
        if is_paused != self._is_paused and not self._transport.is_closing():
            self._is_paused = is_paused
            (self._transport.pause_reading if is_paused else self._transport.resume_reading)()

    def _refuse(self, refusal: Refusal) -> None:
        """Answer an incomplete request, and close the connection."""
        request_id = request_ids.from_head(bytes(self._buffer))
        self._buffer.clear()
        self._count_buffer()
        if self._state is not IDLE:
            self.abort()
            return
        self._transport.write(refusal.http1(request_id))
        self._is_last = True
        self._close()

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.flush()
            self._writer.is_closed = True
        self._unsent = self.unsent_bytes()
        if (self._is_last or self._body_left) and not self._has_ended and self._transport.can_write_eof():
            # With unread data in the socket, close() would reset the connection before the client reads the answer.
            if self._state is not LINGERING:
                self._state, self.idle_since = LINGERING, inf
                self._transport.write_eof()
                self._loop.call_later(LINGER_S, self._transport.abort)
            return
        self.idle_since, self.timeout_s = self._loop.time(), limits.WRITE_TIMEOUT_S
        self._transport.close()
