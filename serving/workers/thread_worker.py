"""gunicorn's gthread worker, except that a connection takes a thread only when its request has arrived as a whole.

The main loop receives heads and bodies, within the limits of `serving.requests.limits`, so that slow clients hold no
thread. Probes have a thread of their own.
"""

import selectors
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

from gunicorn import http
from gunicorn.workers import gthread

from api import request_ids
from serving import lifecycle
from serving.requests.limits import (
    BODY_BYTES_PER_S,
    MAX_BODIES_BYTES,
    MAX_HEAD_BYTES,
    MAX_RESPONSES_BYTES,
    WRITE_TIMEOUT_S,
)
from serving.requests.memory_budget import MemoryBudget, MemoryShare
from serving.requests.refusals import (
    Refusal,
    bad_request,
    head_too_large,
    internal_error,
    request_timeout,
    target_too_long,
    too_busy,
)
from serving.workers import orphans
from serving.workers.buffered_socket import BufferedSocket
from serving.workers.incoming_request import CONTINUE, IncomingRequest

RECEIVE_BYTES = 64 << 10
CHECK_INTERVAL_S = 0.25
LINGER_S, MAX_LINGERING = 2.0, 500
PROBES = (b"GET /healthz", b"HEAD /healthz", b"GET /readyz", b"HEAD /readyz")


class Connection(gthread.TConn):  # type: ignore[misc]  # gunicorn has no types
    """A connection; its graceful end is left to the main loop, which must not wait for one client."""

    share: MemoryShare | None = None
    linger: Callable[["Connection"], bool]
    sock: BufferedSocket

    def close(self, graceful: bool = False) -> None:
        """Close the connection, or let the main loop close it when the client has read the response."""
        if not (graceful and self.linger(self)):
            super().close()


class _Answer:
    """Takes gunicorn's answer to an error in place of a socket."""

    def __init__(self) -> None:
        self._data = b""

    def gettimeout(self) -> float:
        return 0.0

    def sendall(self, data: bytes) -> None:
        self._data = data

    def refusal(self) -> Refusal:
        """Return the answer as a problem document."""
        status = int(self._data.split(b" ", 2)[1]) if self._data else 500
        known = {414: target_too_long, 431: head_too_large, 500: internal_error}
        return known[status]() if status in known else bad_request("The request is not HTTP.")


class Sending(NamedTuple):
    """A response that is being sent after its thread has finished."""

    share: MemoryShare
    finished: "Future[Any]"
    deadline_s: float


class ThreadWorker(gthread.ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """A worker process with threads and no event loop, for `config.wsgi`."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._budget = MemoryBudget(MAX_BODIES_BYTES)
        self._incoming: dict[Connection, IncomingRequest] = {}
        self._responses = MemoryBudget(MAX_RESPONSES_BYTES)
        self._sending: dict[Connection, Sending] = {}
        self._lingering: dict[Connection, float] = {}
        self._next_check_s = 0.0

    def init_process(self) -> None:
        """Start the worker; called by gunicorn after the fork."""
        self._probe_pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="probes")
        super().init_process()

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection; beyond the limit, close the one that has been idle longest."""
        try:
            client, address = listener.accept()
        except OSError:  # another worker was faster, or no descriptor is left
            self._make_room()
            return
        self.nr_conns += 1
        connection = Connection(self.cfg, BufferedSocket(client), address, listener.getsockname())
        connection.linger = self._linger
        self.enqueue_req(connection)
        self._make_room()

    def enqueue_req(self, conn: Connection) -> None:
        """Receive the connection's next request, and then give it to a thread."""
        conn.sock.setblocking(False)
        share = self._budget.share(partial(self._give_up, conn))
        incoming = self._incoming[conn] = IncomingRequest(share, time.monotonic())
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._receive, conn))
        if conn.parser is not None and (data := conn.parser.unreader.take_buffered()):
            self._feed(conn, incoming, data)
        if conn in self._incoming:
            self._receive(conn, conn.sock)

    def on_client_socket_readable(self, conn: Connection, client: socket.socket) -> None:
        """Receive the next request of an idle connection, unless it has been closed in this turn."""
        if conn in self.keepalived_conns:
            super().on_client_socket_readable(conn, client)

    def finish_request(self, conn: Connection, fs: "Future[Any]") -> None:
        """Send what the client has not taken yet; then keep or close the connection."""
        if conn.share is not None:
            conn.share.close()
        if not conn.sock.unsent:
            super().finish_request(conn, fs)
            return
        share = self._responses.share(partial(self._end_sending, conn, completed=False))
        deadline_s = time.monotonic() + WRITE_TIMEOUT_S + len(conn.sock.unsent) / BODY_BYTES_PER_S
        self._sending[conn] = Sending(share, fs, deadline_s)
        self.poller.register(conn.sock, selectors.EVENT_WRITE, partial(self._send, conn))
        share.add(len(conn.sock.unsent))

    def handle_error(self, req: Any, client: BufferedSocket, addr: Any, exc: Exception) -> None:
        """Answer what gunicorn cannot parse, or what has failed, by a problem document; called by gunicorn."""
        answer = _Answer()
        super().handle_error(req, answer, addr, exc)
        with suppress(OSError):
            client.sendall(answer.refusal().http1(request_ids.from_head(client.head)))

    def murder_pending(self) -> None:
        """Give up requests and responses that are overdue; called by gunicorn at least once a second."""
        now_s = time.monotonic()
        if now_s < self._next_check_s:
            return
        self._next_check_s = now_s + CHECK_INTERVAL_S
        for conn, incoming in list(self._incoming.items()):
            if now_s > incoming.deadline_s or not (self.alive or incoming.data):
                self._refuse(conn, request_timeout())
        for conn, deadline_s in list(self._lingering.items()):
            if now_s > deadline_s:
                self._end_lingering(conn)
        for conn, sending in list(self._sending.items()):
            if now_s > sending.deadline_s:
                self._end_sending(conn, completed=False)

    def _cap_keepalive(self, deadline: float) -> None:
        """Leave idle clients until a time; called by gunicorn before the end. Not if the main process was killed."""
        if orphans.is_orphan(self):
            lifecycle.stop_accepting(sock.fileno() for sock in self.sockets)
            deadline = 0.0
        super()._cap_keepalive(deadline)

    def _send(self, conn: Connection, sock: BufferedSocket) -> None:
        if conn not in self._sending:
            return
        try:
            sock.flush()
        except OSError:
            self._end_sending(conn, completed=False)
            return
        if not sock.unsent:
            self._end_sending(conn, completed=True)

    def _end_sending(self, conn: Connection, *, completed: bool) -> None:
        sending = self._sending.pop(conn)
        sending.share.close()
        self.poller.unregister(conn.sock)
        if completed:
            super().finish_request(conn, sending.finished)
        else:
            self._drop(conn)

    # An event may be older than the end of its connection, which another event of the same turn has caused. So each
    # callback looks first whether it is still wanted.

    def _receive(self, conn: Connection, sock: socket.socket) -> None:
        if conn not in self._incoming:
            return
        try:
            data = sock.recv(RECEIVE_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if data:
            self._feed(conn, self._incoming[conn], data)
        else:
            self._forget(conn)
            self._drop(conn)

    def _feed(self, conn: Connection, incoming: IncomingRequest, data: bytes) -> None:
        try:
            incoming.feed(data, time.monotonic())
        except Refusal as refusal:
            self._refuse(conn, refusal)
            return
        if conn not in self._incoming:  # it made way for others, or for itself
            return
        if incoming.is_complete:
            self._give_to_thread(conn)
        elif incoming.expects_continue:
            incoming.expects_continue = False
            with suppress(OSError):
                conn.sock.send(CONTINUE)

    def _give_to_thread(self, conn: Connection) -> None:
        incoming = self._forget(conn)
        incoming.share.keep()
        conn.share = incoming.share
        if conn.parser is None:
            conn.parser = http.get_parser(self.cfg, conn.sock, conn.client)
        conn.parser.unreader.unread(data := bytes(incoming.data))
        conn.sock.head = data[:MAX_HEAD_BYTES]
        conn.data_ready = True
        if incoming.is_cut:
            with suppress(OSError):
                conn.sock.shutdown(socket.SHUT_RD)
        pool = self._probe_pool if incoming.data.startswith(PROBES) else self.tpool
        future: Future[Any] = pool.submit(self.handle, conn)
        future.add_done_callback(lambda done: self.method_queue.defer(self.finish_request, conn, done))

    def _give_up(self, conn: Connection) -> None:
        self._refuse(conn, too_busy())

    def _refuse(self, conn: Connection, refusal: Refusal) -> None:
        """Close a connection, with an answer if a part of a request has come."""
        if conn not in self._incoming:
            return
        incoming = self._forget(conn)
        incoming.share.close()
        self.nr_conns -= 1
        if incoming.data:
            with suppress(OSError):
                conn.sock.send(refusal.http1(request_ids.from_head(bytes(incoming.data))))
        conn.close(graceful=bool(incoming.data))

    def _forget(self, conn: Connection) -> IncomingRequest:
        with suppress(OSError, KeyError, ValueError):
            self.poller.unregister(conn.sock)
        return self._incoming.pop(conn)

    def _drop(self, conn: Connection) -> None:
        self.nr_conns -= 1
        conn.close()

    def _make_room(self) -> None:
        """Close the connection that has been idle longest, if there are as many as allowed."""
        if self.nr_conns < self.worker_connections:
            return
        if self.keepalived_conns:
            conn = self.keepalived_conns.popleft()
            with suppress(OSError, KeyError, ValueError):
                self.poller.unregister(conn.sock)
            self._drop(conn)
        elif self._incoming:
            self._refuse(next(iter(self._incoming)), too_busy())

    # A connection that is closed while the client still sends is reset, and the client may lose the response. So
    # what comes is discarded for a moment.

    def _linger(self, conn: Connection) -> bool:
        """Close the connection later; return False if it has to be closed at once."""
        if len(self._lingering) >= MAX_LINGERING:
            return False
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._discard, conn))
        except (OSError, KeyError, ValueError):
            return False
        self._lingering[conn] = time.monotonic() + LINGER_S
        return True

    def _discard(self, conn: Connection, sock: socket.socket) -> None:
        if conn not in self._lingering:
            return
        try:
            if not sock.recv(RECEIVE_BYTES):
                self._end_lingering(conn)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._end_lingering(conn)

    def _end_lingering(self, conn: Connection) -> None:
        self._lingering.pop(conn, None)
        with suppress(OSError, KeyError, ValueError):
            self.poller.unregister(conn.sock)
        conn.close()
