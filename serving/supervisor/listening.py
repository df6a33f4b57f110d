"""The listening sockets, which outlive every generation of the server."""

import argparse
import contextlib
import errno
import os
import socket
import stat
import time

from serving.requests.limits import WRITE_TIMEOUT_S

BACKLOG = 2048
BIND_S = 6.0  # time for processes of a killed supervisor to end


def split_arguments(arguments: list[str], host: str, port: int) -> tuple[list[str], list[str]]:
    """Return the addresses that the options name (else `host:port`), and the arguments for the server itself."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("-b", "--bind", action="append")
    parser.add_argument("--host", default=host)
    parser.add_argument("--port", default=port)
    options, rest = parser.parse_known_args(arguments)
    name = f"[{options.host}]" if ":" in options.host else options.host
    return options.bind or [f"{name}:{options.port}"], rest


def granian_workers(arguments: list[str], default: int) -> int:
    """Return the number of workers that Granian's options name; each of them gets a socket."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--workers", type=int, default=default)
    return int(parser.parse_known_args(arguments)[0].workers)


def listen(address: str, queues: int = 1) -> list[socket.socket]:
    """Return a socket that listens on HOST:PORT or unix:PATH; end the program with a sentence if it cannot.

    With several `queues` return so many sockets on one port, among which the kernel divides new connections.
    """
    deadline = time.monotonic() + BIND_S
    while True:
        try:
            if address.startswith("unix:"):
                return [_listen_on_path(address[5:])]
            sockets = [_listen_on_port(address, reuse_port=False)]
            if queues > 1:  # that socket has told whether another process listens; one of these would not
                sockets.pop().close()
                sockets += [_listen_on_port(address, reuse_port=True) for _ in range(queues)]
            return sockets
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
                raise SystemExit(f"The address {address} cannot be used ({reason}).") from None
            time.sleep(0.2)
        except ValueError:
            raise SystemExit(f"The address {address} cannot be used: write HOST:PORT or unix:PATH.") from None


def _listen_on_port(address: str, *, reuse_port: bool) -> socket.socket:
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.create_server((host, int(port)), family=family, backlog=BACKLOG, reuse_port=reuse_port)
    # Accepted connections inherit these. Granian itself would wait for ever for a client that does not read.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(WRITE_TIMEOUT_S * 1_000))
    return sock


def _listen_on_path(path: str) -> socket.socket:
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISSOCK(os.stat(path).st_mode):  # left by a killed supervisor
            os.unlink(path)
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(path)
    sock.listen(BACKLOG)
    return sock
