"""nginx and Caddy by the samples of deploy/, on free ports of this machine, in a folder of their own."""

import contextlib
import http.client
import os
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from config.environment import BASE_DIR
from devtools import servers
from devtools.redis_node import make_certificate

HOST = "hotpath.example.com"


class Proxy:
    """A proxy in front of 127.0.0.1:`upstream`, with TLS on `port` and plain HTTP on `plain_port`."""

    def __init__(self, folder: Path, name: str, upstream: int) -> None:
        self.folder, self.upstream = folder, upstream
        self.port, self.plain_port = servers.free_port(), servers.free_port()
        self._certificate = make_certificate(folder / "both.pem")
        self.process = servers.start_process(
            COMMANDS[name](self), self.port, folder / f"{name}.log", env=_environment(folder)
        )

    def connect(self) -> socket.socket:
        """Return a connection of a client that believes any certificate."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        return context.wrap_socket(plain, server_hostname=HOST)

    def say(self, head: str, body: bytes = b"") -> "Said":
        """Send a request, whose lines are those of `head`, on a connection of its own; return the answer."""
        with contextlib.closing(self.connect()) as connection:
            connection.sendall("".join(f"{line}\r\n" for line in [*head.split("\n"), ""]).encode() + body)
            return answer_on(connection)

    def get(self, path: str, *headers: str) -> "Said":
        """GET a path with more lines of headers."""
        return self.say("\n".join((f"GET {path} HTTP/1.1", f"Host: {HOST}", *headers)))

    def post(self, path: str, body: bytes, *headers: str) -> "Said":
        """POST JSON to a path with more lines of headers."""
        lines = (f"Host: {HOST}", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers)
        return self.say("\n".join((f"POST {path} HTTP/1.1", *lines)), body)


class Said(NamedTuple):
    status: int
    headers: Any
    body: bytes


def answer_on(connection: socket.socket) -> Said:
    """Return the answer to a request that was sent on the connection."""
    with contextlib.closing(http.client.HTTPResponse(connection)) as reply:
        reply.begin()
        return Said(reply.status, reply.headers, reply.read())


def _environment(folder: Path) -> dict[str, str]:
    return os.environ | {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}


def _nginx(proxy: Proxy) -> list[str]:
    """Return the command of an nginx by the sample, but for its ports, files and certificate."""
    folder, certificate = proxy.folder, proxy.folder / "both.pem"
    text = (BASE_DIR / "deploy/nginx/nginx.conf").read_text()
    changes = {
        "/run/nginx.pid": f"{folder}/nginx.pid", "/var/log/nginx/": f"{folder}/",
        "listen 80;": f"listen 127.0.0.1:{proxy.plain_port};", "listen 443 ": f"listen 127.0.0.1:{proxy.port} ",
        "127.0.0.1:8000": f"127.0.0.1:{proxy.upstream}", "worker_processes auto;": "worker_processes 1;",
        f"/etc/letsencrypt/live/{HOST}/fullchain.pem": str(certificate),
        f"/etc/letsencrypt/live/{HOST}/privkey.pem": str(certificate),
    }  # fmt: skip
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    changes["http {"] = "http {\n" + "".join(f"    {kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    if os.getuid() == 0:
        changes["user www-data;"] = "user root;"  # pytest's folders are the own account's alone
    (folder / "nginx.conf").write_text(_changed(text, changes))
    return [str(servers.program("nginx")), "-c", str(folder / "nginx.conf"), "-e", "stderr", "-g", "daemon off;"]


def _caddy(proxy: Proxy) -> list[str]:
    """Return the command of a Caddy by the sample, but for its ports, admin interface and certificate."""
    certificate = proxy.folder / "both.pem"
    text = (BASE_DIR / "deploy/caddy/Caddyfile").read_text()
    changes = {
        "\n{\n": f"\n{{\n\tadmin off\n\thttp_port {proxy.plain_port}\n\thttps_port {proxy.port}\n",
        f"\n{HOST} {{\n": f"\n{HOST} {{\n\tbind 127.0.0.1\n\ttls {certificate} {certificate}\n",
        "127.0.0.1:8000": f"127.0.0.1:{proxy.upstream}",
    }
    (proxy.folder / "Caddyfile").write_text(_changed(text, changes))
    return [str(servers.program("caddy")), "run", "--config", str(proxy.folder / "Caddyfile"), "--adapter", "caddyfile"]


def _changed(text: str, changes: dict[str, str]) -> str:
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


COMMANDS: dict[str, Callable[[Proxy], list[str]]] = {"nginx": _nginx, "caddy": _caddy}


@contextlib.contextmanager
def running(folder: Path, name: str, upstream: int) -> Iterator[Proxy]:
    """Run a proxy; skip the test where its program is not installed."""
    if servers.program(name) is None:
        pytest.skip(f"needs Debian's {name}")
    proxy = Proxy(folder, name, upstream)
    try:
        yield proxy
    finally:
        proxy.process.terminate()
        try:
            proxy.process.wait(10)
        except subprocess.TimeoutExpired:
            proxy.process.kill()
