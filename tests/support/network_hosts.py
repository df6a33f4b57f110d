"""Hosts as network namespaces on one bridge: each has an address of its own, and can be killed or cut off."""

import contextlib
import ctypes
import itertools
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devtools.programs import output_of

CLONE_NEWNET = 0x40000000
LONGEST_NAME = 15  # of a network interface
OWN = re.compile(r"(h(\d+)x\d+)-\d+")  # a host, the network it is in, and the process that made them
_numbers = itertools.count()


class Network:
    """A bridge in this namespace, and hosts behind it: 10.x.y.1, 10.x.y.2, …; this process is 10.x.y.254."""

    def __init__(self, hosts: int) -> None:
        remove_left_over()
        count = next(_numbers)
        number = (os.getpid() + 10_000 * count) % 50_000
        self._begin, self._name = f"10.{number // 250 + 20}.{number % 250}", f"h{os.getpid()}x{count}"
        self.hosts = range(1, hosts + 1)
        _ip("link", "add", self._name, "type", "bridge")
        _ip("addr", "add", f"{self._begin}.254/24", "dev", self._name)
        _ip("link", "set", self._name, "up")
        for number in self.hosts:
            self._add(number)

    @property
    def here(self) -> str:
        """Return the address of this process."""
        return self.address(254)

    def address(self, number: int) -> str:
        return f"{self._begin}.{number}"

    def command(self, number: int, *command: str) -> list[str]:
        """Return a command line that runs a command on a host."""
        return ["ip", "netns", "exec", self._host(number), *command]

    @contextlib.contextmanager
    def on(self, number: int) -> Iterator[None]:
        """Let this thread, and processes that it starts, use the network as a host does."""
        with open("/proc/thread-self/ns/net") as before, open(f"/run/netns/{self._host(number)}") as there:
            _enter(there.fileno())
            try:
                yield
            finally:
                _enter(before.fileno())

    def cut_off(self, number: int) -> None:
        """Lose every packet from and to a host."""
        _ip("link", "set", self._link(number), "down")

    def reconnect(self, number: int) -> None:
        _ip("link", "set", self._link(number), "up")

    def processes(self, number: int) -> list[int]:
        """Return the ids of the processes on a host."""
        return _processes(self._host(number))

    def kill(self, number: int) -> None:
        """End a host without a word, as a loss of power does: nobody is told that its connections are closed."""
        self.cut_off(number)
        _kill_processes(self._host(number))

    def remove(self) -> None:
        for number in self.hosts:
            _kill_processes(self._host(number))
            subprocess.run(["ip", "netns", "del", self._host(number)], check=False)
        subprocess.run(["ip", "link", "del", self._name], check=False)

    def _host(self, number: int) -> str:
        return f"{self._name}-{number}"

    def _link(self, number: int) -> str:
        return f"{self._name}v{number}"[:LONGEST_NAME]

    def _add(self, number: int) -> None:
        host, link = self._host(number), self._link(number)
        _ip("netns", "add", host)
        _ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", host)
        _ip("link", "set", link, "master", self._name, "up")
        _ip("-n", host, "addr", "add", f"{self.address(number)}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            _ip("-n", host, "link", "set", device, "up")
        _ip("-n", host, "route", "add", "default", "via", f"{self._begin}.254")


def require_namespaces() -> None:
    """Skip the test where network namespaces are refused."""
    name = f"h{os.getpid()}probe"
    tried = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False)
    if tried.returncode != 0:
        pytest.skip(f"Network namespaces are refused here: {tried.stderr.decode().strip()}")
    subprocess.run(["ip", "netns", "del", name], check=False)


def remove_left_over() -> None:
    """Remove the networks of processes that were killed."""
    for line in _ip("netns", "list").splitlines():
        host = OWN.fullmatch(line.split()[0])
        if host and not Path(f"/proc/{host[2]}").exists():
            with contextlib.suppress(subprocess.CalledProcessError):  # another process was faster
                _kill_processes(host[0])
                _ip("netns", "del", host[0])
            subprocess.run(["ip", "link", "del", host[1]], check=False, capture_output=True)


def _processes(host: str) -> list[int]:
    return [int(pid) for pid in _ip("netns", "pids", host).split()]


def _kill_processes(host: str) -> None:
    while pids := _processes(host):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _enter(namespace: int) -> None:
    if ctypes.CDLL(None, use_errno=True).setns(namespace, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def _ip(*arguments: Any) -> str:
    return output_of(["ip", *map(str, arguments)])
