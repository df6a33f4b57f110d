"""The program that tells load balancers of a node of Galera survives what they do to it, and is quiet about it."""

import contextlib
import os
import socket
import struct
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from config.environment import BASE_DIR
from devtools.servers import free_port
from tests.support.polling import wait_until

pytestmark = pytest.mark.embedded
REQUEST = b"GET / HTTP/1.0\r\n\r\n"
CLIENT = """#!/bin/sh
echo asked >>asked
until [ -e answers ]; do sleep 0.02; done
printf 'wsrep_cluster_status\\tPrimary\\nwsrep_local_state\\t4\\nwsrep_ready\\tON\\n'
"""


@pytest.fixture
def health(tmp_path):
    """Run the program with a client `mariadb` that answers once there is a file `answers`; yield its port."""
    client = tmp_path / "mariadb"
    client.write_text(CLIENT)
    client.chmod(0o755)
    port, path = free_port(), f"{tmp_path}:{os.environ['PATH']}"
    command = [sys.executable, str(BASE_DIR / "deploy/galera/health.py"), "--bind=127.0.0.1", f"--port={port}"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=tmp_path, env=os.environ | {"PATH": path}, stdout=log, stderr=log)
    wait_until(lambda: connects(port))
    yield port
    process.kill()
    process.wait()


def connects(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


def reset(port, request, *, when=lambda: True):
    """Send a part of a request, and reset the connection as soon as `when` is true."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(request)
        wait_until(when)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def status(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_a_balancer_that_hangs_up_is_not_reported(health, tmp_path):
    reset(health, REQUEST[:5])
    reset(health, REQUEST, when=(tmp_path / "asked").exists)
    (tmp_path / "answers").touch()
    wait_until(lambda: status(health) == 200)
    (tmp_path / "answers").unlink()
    wait_until(lambda: status(health) == 503)
    assert (tmp_path / "log").read_text() == ""
