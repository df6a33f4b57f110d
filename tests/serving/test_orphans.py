"""The main process is killed: its workers end with it, and another server can have the port at once."""

import http.client
import os
import signal
import socket
import time
from contextlib import closing

import pytest

from tests.serving.supervised import COMMANDS, generations, variables
from tests.support.programs import GUNICORN, Program

pytestmark = [pytest.mark.embedded, pytest.mark.sampled, pytest.mark.usefixtures("without_demo_data")]
AT_ONCE_S = 2.0  # a second, and what a busy machine adds
UNSUPERVISED = {
    "gunicorn by itself": GUNICORN,
    "gthread by itself": (*GUNICORN, "-k", "serving.workers.thread_worker.ThreadWorker", "config.wsgi"),
}
WAYS = {**COMMANDS, **UNSUPERVISED}


def start(program, way: str, *options: str, **values: str) -> Program:
    """Start a server whose workers would wait for idle clients for five seconds."""
    return program((*WAYS[way], *options), **variables(way.split()[0]), WEB_DRAIN_S="5", **values).wait_until_up()


def seconds_until_free(port: int) -> float:
    """Return after how many seconds another server can listen on a port."""
    began = time.monotonic()
    while time.monotonic() < began + 30:
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind(("127.0.0.1", port))
                sock.listen()
            except OSError:
                time.sleep(0.02)
                continue
            return time.monotonic() - began
    raise AssertionError("The port does not become free.")


@pytest.mark.parametrize("way", WAYS)
def test_a_killed_main_process_frees_its_port_and_leaves_no_worker(program, way):
    web = start(program, way)
    with closing(http.client.HTTPConnection("127.0.0.1", web.port)) as idle:
        idle.request("GET", "/healthz")
        idle.getresponse().read()
        began = time.monotonic()
        web.end(signal.SIGKILL)
        free_s = seconds_until_free(web.port)
        assert web.wait_until_gone() == {}
        gone_s = time.monotonic() - began
    print(f"{way}: the port is free after {free_s:.2f} s, the last process gone after {gone_s:.2f} s")
    assert max(free_s, gone_s) < AT_ONCE_S, web.log.read_text()


@pytest.mark.parametrize("way", COMMANDS)
def test_workers_end_when_supervisor_and_main_process_are_killed_together(program, way):
    web = start(program, way)
    (main,) = generations(web)
    web.process.send_signal(signal.SIGSTOP)  # or it would kill what its server leaves behind
    os.kill(main, signal.SIGKILL)
    web.end(signal.SIGKILL)
    assert seconds_until_free(web.port) < AT_ONCE_S
    assert web.wait_until_gone() == {}


@pytest.mark.parametrize("way", UNSUPERVISED)
def test_a_request_that_hangs_keeps_no_orphan_for_longer_than_a_stop_would(program, way):
    values = {"DJANGO_SETTINGS_MODULE": "tests.serving.faulty_settings"}
    web = start(program, way, "--graceful-timeout", "3", **values)
    with socket.create_connection(("127.0.0.1", web.port)) as hanging:
        hanging.sendall(b"GET /api/docs HTTP/1.1\r\nHost: localhost\r\nX-Fault: hang\r\n\r\n")
        time.sleep(0.5)  # until a thread has it
        web.end(signal.SIGKILL)
        assert seconds_until_free(web.port) < AT_ONCE_S
        assert web.wait_until_gone(10) == {}
