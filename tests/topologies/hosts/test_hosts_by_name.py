"""HAProxy, as deploy/haproxy/web.cfg has it, notices a vanished host that it knows by name, by an option of the kernel.

HAProxy ignores `tcp-ut` for names. deploy/compose.grown.yaml sets the option for HAProxy's container, here a namespace.
"""

import contextlib
import re
import socket
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from config.environment import BASE_DIR
from serving.parent_death import end_with_parent
from tests.support.network_hosts import Network, require_namespaces
from tests.support.polling import wait_until
from tests.support.short_form import SHORT

pytestmark = [pytest.mark.embedded, pytest.mark.skipif(SHORT, reason="make test-topologies")]
WEB = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = b'{"status": "ok", "database": "ok"}' if self.path == "/readyz" else sys.argv[1].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(("", 8000), Handler).serve_forever()
"""


@pytest.fixture
def network():
    require_namespaces()
    network = Network(3)
    yield network
    network.remove()


@pytest.fixture
def start(network):
    """Start a command on a host."""
    with contextlib.ExitStack() as started:

        def start(host: int, *command: str) -> None:
            process = subprocess.Popen(
                network.command(host, *command), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                preexec_fn=end_with_parent,
            )  # fmt: skip
            started.enter_context(process)
            started.callback(process.kill)

        yield start


def configure_haproxy(network: Network, folder: Path) -> str:
    """Return a file for the first host. A number is a name for HAProxy, and its C library knows the address."""
    text = re.sub("    server web3 .*\n", "", (BASE_DIR / "deploy/haproxy/web.cfg").read_text())
    for number in (1, 2):
        name = f"0x{socket.inet_aton(network.address(number + 1)).hex()}"
        text = text.replace(f"web{number}:8000", f"{name}:8000")
    (folder / "haproxy.cfg").write_text(text)
    sample = yaml.safe_load((BASE_DIR / "deploy/compose.grown.yaml").read_text())["services"]["haproxy"]
    for option, value in sample["sysctls"].items():
        subprocess.run(network.command(1, "sysctl", "-qw", f"{option}={value}"), check=True)
    return str(folder / "haproxy.cfg")


def ask(network: Network) -> tuple[str, float]:
    """Return which host has answered, or nothing, and after how many seconds."""
    began = time.monotonic()
    with (
        contextlib.suppress(OSError),
        urllib.request.urlopen(f"http://{network.address(1)}:8080/", timeout=15) as reply,
    ):
        return reply.read().decode(), time.monotonic() - began
    return "", time.monotonic() - began


def test_a_vanished_host_costs_seconds(network: Network, start, tmp_path):
    for number in (2, 3):
        start(number, sys.executable, "-c", WEB, str(number))
    start(1, "haproxy", "-db", "-f", configure_haproxy(network, tmp_path))
    with ThreadPoolExecutor(8) as clients:
        # Both are in use: HAProxy has connections to them.
        wait_until(lambda: {host for host, _ in clients.map(ask, [network] * 8)} == {"2", "3"})
        network.cut_off(2)
        answers = [*clients.map(ask, [network] * 8)]
    assert {host for host, _ in answers} == {"3"}
    assert max(seconds for _, seconds in answers) > 1, "nothing was sent to the host that vanished"
