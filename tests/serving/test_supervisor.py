"""Signals in any order, killed processes, and addresses that are in use."""

import contextlib
import os
import signal
import socket
import time

import pytest

from tests.serving.supervised import COMMANDS, KEPT, RELOADED, generations, reload, until, variables
from tests.support.programs import WEB, Program, environment, run

pytestmark = [pytest.mark.embedded, pytest.mark.sampled, pytest.mark.usefixtures("without_demo_data")]
LOADING = "Loading new code"
BOTH = ["gunicorn", "granian"]


def start(program, name: str, **values: str) -> Program:
    """Start a server with two workers, and wait until both serve, which a first answer does not tell."""
    web = program(COMMANDS[name], **variables(name), **values).wait_until_up()
    (main,) = generations(web)
    until(lambda: len(web.processes(name)) == 3, web)
    assert main in web.processes(name)
    return web


@pytest.mark.parametrize("signum", [signal.SIGHUP, signal.SIGUSR2])
def test_signals_during_a_reload_ask_for_one_more(program, signum):
    web = start(program, "gunicorn")
    for _ in range(20):
        web.process.send_signal(signum)
        time.sleep(0.01)
    until(lambda: web.log.read_text().count(RELOADED) >= 2, web)
    time.sleep(1)
    assert web.log.read_text().count(LOADING) == 2
    assert KEPT not in web.log.read_text()
    until(lambda: len(generations(web)) == 1, web)


@pytest.mark.parametrize("first_s", [0, 0.3, 1.0])
def test_a_stop_in_the_middle_of_a_reload(program, first_s):
    web = start(program, "gunicorn")
    web.process.send_signal(signal.SIGHUP)
    time.sleep(first_s)
    assert web.end(signal.SIGTERM) == 0
    assert web.wait_until_gone() == {}


@pytest.mark.parametrize("name", BOTH)
def test_a_reload_in_the_middle_of_a_stop_is_ignored(program, name):
    web = start(program, name, WEB_DRAIN_S="1")
    web.process.send_signal(signal.SIGTERM)
    web.process.send_signal(signal.SIGHUP)
    assert web.process.wait(20) == 0
    assert LOADING not in web.log.read_text()


def test_signals_in_the_middle_of_the_start(program):
    web = program(WEB, **variables("gunicorn"))
    until(lambda: web.process.poll() is None and generations(web), web)
    web.process.send_signal(signal.SIGHUP)
    web.wait_until_up()
    until(lambda: RELOADED in web.log.read_text(), web)
    assert web.end(signal.SIGINT) == 0

    stopped = program(WEB, **variables("gunicorn"))
    until(lambda: generations(stopped), stopped)
    assert stopped.end(signal.SIGTERM) == 0
    assert stopped.wait_until_gone() == {}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_killed_supervisor_leaves_nothing_and_another_can_start(program, name):
    web = program(COMMANDS[name], **variables(name)).wait_until_up()
    with socket.create_connection(("127.0.0.1", web.port)):  # an idle client
        web.end(signal.SIGKILL)
        assert web.wait_until_gone(60) == {}  # idle clients have their time first
        again = program((*COMMANDS[name], "--bind", f"127.0.0.1:{web.port}"), **variables(name))
        again.port = web.port
        until(lambda: generations(again), again)
        again.wait_until_up()
    assert again.end(signal.SIGTERM) == 0


@pytest.mark.parametrize("name", BOTH)
def test_the_end_of_the_server_ends_the_supervisor(program, name):
    web = start(program, name)
    os.kill(*generations(web), signal.SIGKILL)
    assert web.process.wait(20) == 128 + signal.SIGKILL
    assert web.wait_until_gone() == {}
    assert "ended with status 137" in web.log.read_text()


@pytest.mark.parametrize("name", BOTH)
def test_a_killed_worker_is_replaced(program, name):
    web = start(program, name)
    (main,) = generations(web)
    victim = max(pid for pid in web.processes(name) if pid != main)
    os.kill(victim, signal.SIGKILL)
    until(lambda: len({*web.processes(name)} - {victim}) == 3, web)
    reload(web)
    assert web.ask("/healthz").status == 200


def test_granian_s_workers_get_about_as_many_connections_each(program):
    web = start(program, "granian")
    (main,) = generations(web)
    workers = [pid for pid in web.processes("granian") if pid != main]
    before = [sockets(pid) for pid in workers]
    with contextlib.ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(socket.create_connection(("127.0.0.1", web.port)))
        until(lambda: sum(sockets(pid) for pid in workers) >= sum(before) + 200, web)
        assert min(sockets(pid) - had for pid, had in zip(workers, before, strict=True)) > 50


def sockets(pid: int) -> int:
    folder = f"/proc/{pid}/fd"
    return sum(os.readlink(f"{folder}/{name}").startswith("socket:") for name in os.listdir(folder))


@pytest.mark.every_server
@pytest.mark.parametrize("server", BOTH)
@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--bind", "127.0.0.1:{port}"], "The address 127.0.0.1:{port} cannot be used (Address already in use)"),
        (["--port", "{port}"], "The address 127.0.0.1:{port} cannot be used (Address already in use)"),
        (["--bind", "nowhere"], "The address nowhere cannot be used"),
    ],
)
def test_an_address_that_cannot_be_used(tmp_path, server, options, sentence):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused = run(
            (*WEB, *(option.format(port=port) for option in options)),
            environment(tmp_path / "other", **variables(server)),
        )
    assert refused.returncode == 1
    assert sentence.format(port=port) in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_program_that_a_worker_starts_has_no_supervisor(tmp_path):
    code = "from serving import lifecycle; lifecycle.report_ready(); print(lifecycle.is_stopping())"
    for channel in ("0:1", "99:1", ""):
        done = run(("-c", code), environment(tmp_path, SERVING_CHANNEL=channel))
        assert (done.stdout, done.stderr) == ("False\n", "")
