"""Hosts for tests: network namespaces on a bridge, each with an address of its own, which can be killed or cut off.

The addresses exist on this machine only. Names carry the id of the process that made them; those of processes that were
killed are removed by the next one.
"""

import contextlib
import os
import shutil
import signal
import subprocess
from functools import cache, partial
from pathlib import Path
from typing import Any

from serving.parent_death import end_with_parent

PREFIX = "hpt"  # of names of namespaces and links, which have 15 characters at most
FIRST, LAST = 1, 254  # third number of the subnets, 10.231.N.0/24


@cache
def refusal() -> str | None:
    """Return why this machine makes no network namespaces; None if it does."""
    if not shutil.which("ip"):
        return "needs Debian's iproute2"
    name = f"{PREFIX}{os.getpid()}x"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode:
        return f"no network namespaces here: {made.stderr.strip()}"
    _ip("netns", "del", name)
    return None


def _ip(*arguments: str) -> str:
    return subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True).stdout


class Host:
    """A host of a network. `start()` runs a program on it; `kill()` ends the host without a word."""

    def __init__(self, name: str, link: str, address: str) -> None:
        self.name, self.address, self._link = name, address, link

    def start(self, command: list[str], log: Path, **options: Any) -> subprocess.Popen[bytes]:
        """Start a program on the host; its output goes to the end of the file `log`."""
        with log.open("ab") as output:
            return subprocess.Popen(
                ["ip", "netns", "exec", self.name, *command],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
                preexec_fn=partial(end_with_parent, signal.SIGTERM), **options,
            )  # fmt: skip

    def processes(self) -> list[int]:
        """Return the ids of all processes on the host."""
        return [int(pid) for pid in _ip("netns", "pids", self.name).split()]

    def kill(self) -> None:
        """Kill all processes on the host, and take it off the network."""
        self.end_processes()
        self.cut_off()

    def end_processes(self) -> None:
        """Kill all processes on the host."""
        while pids := self.processes():
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def cut_off(self) -> None:
        """Take the host off the network; it says nothing, and hears nothing."""
        _ip("link", "set", self._link, "down")

    def reconnect(self) -> None:
        """Bring the host back to the network."""
        _ip("link", "set", self._link, "up")


class Network:
    """A bridge on which hosts and this machine reach each other; this machine by `address`."""

    def __init__(self) -> None:
        remove_left_over()
        taken = _ip("-4", "-o", "addr")
        start = os.getpid() % LAST
        numbers = [FIRST + (start + step) % LAST for step in range(LAST)]
        self._subnet = next(each for each in (f"10.231.{number}" for number in numbers) if f" {each}." not in taken)
        self.address = f"{self._subnet}.1"
        self._bridge = f"{PREFIX}{os.getpid()}b"
        self.hosts: list[Host] = []
        _ip("link", "add", self._bridge, "type", "bridge")
        _ip("addr", "add", f"{self.address}/24", "dev", self._bridge)
        _ip("link", "set", self._bridge, "up")

    def add_host(self) -> Host:
        """Return a new host."""
        number = len(self.hosts) + 1
        name, link = f"{PREFIX}{os.getpid()}h{number}", f"{PREFIX}{os.getpid()}v{number}"
        host = Host(name, link, f"{self._subnet}.{number + 1}")
        _ip("netns", "add", name)
        self.hosts.append(host)
        _ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name)
        _ip("link", "set", link, "master", self._bridge, "up")
        _ip("-n", name, "link", "set", "lo", "up")
        _ip("-n", name, "addr", "add", f"{host.address}/24", "dev", "eth0")
        _ip("-n", name, "link", "set", "eth0", "up")
        return host

    def remove(self) -> None:
        """Kill all processes on the hosts, and remove hosts and bridge."""
        for host in self.hosts:
            host.end_processes()
        _remove(f"{PREFIX}{os.getpid()}")


def remove_left_over() -> None:
    """Remove the networks of processes that have been killed."""
    names = [line.split()[0] for line in _ip("netns", "list").splitlines() if line.startswith(PREFIX)]
    owners = {name.removeprefix(PREFIX).split("h")[0] for name in names}
    for owner in owners:
        if owner.isdigit() and not Path(f"/proc/{owner}").exists():
            for name in (each for each in names if each.startswith(f"{PREFIX}{owner}h")):
                Host(name, "", "").end_processes()
            _remove(f"{PREFIX}{owner}")


def _remove(prefix: str) -> None:
    for line in _ip("netns", "list").splitlines():
        if line.split()[0].startswith(f"{prefix}h"):
            _ip("netns", "del", line.split()[0])
    for line in _ip("-o", "link").splitlines():
        name = line.split(": ")[1].split("@")[0]
        if name.startswith((f"{prefix}b", f"{prefix}v")):
            with contextlib.suppress(subprocess.CalledProcessError):  # a link goes with its namespace
                _ip("link", "del", name)
