"""A Galera cluster of three nodes, each on a host of its own, behind HAProxy with one writer (deploy/galera)."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config.environment import BASE_DIR
from devtools import servers
from serving.parent_death import end_with_parent
from tests.support.network_hosts import Network, require_namespaces
from tests.support.programs import environment

OPS = BASE_DIR / "deploy" / "galera"
NODES = (1, 2, 3)
LONGEST_S = 60
QUICK = (
    "--innodb-flush-method=nosync", "--innodb-doublewrite=0", "--skip-name-resolve", "--innodb-buffer-pool-size=64M",
    "--innodb-log-file-size=16M", "--max-connections=300", "--character-set-server=utf8mb4",
)  # fmt: skip
ACCESS = "CREATE USER root@'%'; GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION; CREATE DATABASE hotpath"


class Node:
    """A MariaDB of the cluster, and beside it the program that answers health checks."""

    def __init__(self, network: Network, number: int, folder: Path) -> None:
        self.number, self.address = number, network.address(number)
        self._network, self._folder = network, folder
        self.data, self.log, self._socket = folder / str(number), folder / f"{number}.log", folder / f"{number}.sock"
        self.process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "hotpath") -> str:
        return f"mysql://root@{self.address}:3306/{database}"

    def start(self, *options: str) -> None:
        """Start the server, at the position that it finds in its own data, as the service of the system does."""
        state = self.data / "grastate.dat"
        was_killed = state.exists() and "seqno:   -1" in state.read_text()
        position = self._recovered() if was_killed else []
        self.process = self._run(self._command(*position, *options))

    def serve_health(self) -> None:
        client = [f"--socket={self._socket}", "--user=root"]
        self._run([sys.executable, str(OPS / "health.py"), "--", *client])

    def query(self, sql: str, *, limit_s: float = 10) -> list[list[str]]:
        """Return the rows of a query, sent past the network; raises subprocess.SubprocessError."""
        client = ["mariadb", "--no-defaults", "-uroot", f"--socket={self._socket}", "-NBe", sql]
        done = subprocess.run(client, capture_output=True, text=True, timeout=limit_s, check=True)
        return [line.split("\t") for line in done.stdout.splitlines()]

    def is_synced(self) -> bool:
        with contextlib.suppress(subprocess.SubprocessError):
            found = self.query("SHOW STATUS LIKE 'wsrep_local_state'", limit_s=1)
            return found == [["wsrep_local_state", "4"]]
        return False

    def wait_until_synced(self) -> "Node":
        wait_for(lambda: self.is_synced() or self._has_ended(), lambda: f"node {self.number}: {self._last_lines()}")
        assert not self._has_ended(), self._last_lines()
        return self

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def freeze(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGCONT)

    def cut_off(self) -> None:
        self._network.cut_off(self.number)

    def reconnect(self) -> None:
        self._network.reconnect(self.number)

    def _has_ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def _last_lines(self) -> str:
        return self.log.read_text()[-3_000:]

    def _end(self, number: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(LONGEST_S)
            self.process = None

    def _command(self, *options: str) -> list[str]:
        members = ",".join(map(self._network.address, NODES))
        return [
            servers.program("mariadbd") or "mariadbd", f"--defaults-file={OPS / 'node.cnf'}", f"--datadir={self.data}",
            f"--socket={self._socket}", "--port=3306", "--bind-address=0.0.0.0", *QUICK,
            f"--wsrep-cluster-address=gcomm://{members}", f"--wsrep-node-address={self.address}",
            f"--wsrep-node-name=node{self.number}", "--wsrep-sst-method=rsync", *options,
        ]  # fmt: skip

    def _run(self, command: list[str]) -> "subprocess.Popen[bytes]":
        # The account changes first: the signal of the parent's death is forgotten by that.
        account = ["setpriv", "--reuid=mysql", "--regid=mysql", "--clear-groups", "--pdeathsig=KILL"]
        with self.log.open("ab") as output:
            process = subprocess.Popen(
                self._network.command(self.number, *account, *command), stdout=output, stderr=output,
                start_new_session=True, cwd=self._folder, preexec_fn=end_with_parent,
            )  # fmt: skip
        _started.append(process)
        return process

    def _recovered(self) -> list[str]:
        before = self.log.stat().st_size
        self._run(self._command("--wsrep-recover")).wait(LONGEST_S)
        lines = self.log.read_bytes()[before:].decode().splitlines()
        found = [line.rsplit("Recovered position:", 1)[1].strip() for line in lines if "Recovered position:" in line]
        return [f"--wsrep-start-position={position}" for position in found]


class GaleraCluster:
    """Three nodes with one database, `hotpath`, and its tables; `url` leads through HAProxy to the one that writes."""

    def __init__(self, folder: Path) -> None:
        folder.chmod(0o777)  # the servers are not root
        self.network = Network(len(NODES))
        self.nodes = [Node(self.network, number, folder) for number in NODES]
        self.port, self._folder = servers.free_port(), folder
        self.url = f"mysql://root@127.0.0.1:{self.port}/hotpath"

    def end(self) -> None:
        for process in _started:
            process.kill()
            process.wait()
        _started.clear()
        self.network.remove()

    def wait_until_whole(self) -> None:
        for node in self.nodes:
            node.wait_until_synced()
        # While one of them joined, another may have left for a moment.
        wait_for(lambda: all(node.is_synced() for node in self.nodes), lambda: "the nodes are not Synced together")

    def start(self) -> None:
        first, *others = self.nodes
        subprocess.run(
            ["mariadb-install-db", "--no-defaults", f"--datadir={first.data}", "--skip-test-db",
             "--auth-root-authentication-method=normal"],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        _give_to_mysql(first.data)
        first.start("--wsrep-new-cluster")
        first.wait_until_synced().query(ACCESS)
        _migrate(first.url(), self._folder / "data")
        first.stop()
        # Copies of a node that has ended fetch what they lack, instead of everything.
        for node in others:
            shutil.copytree(first.data, node.data, ignore=shutil.ignore_patterns("galera.cache"))
            _give_to_mysql(node.data)
        first.start("--wsrep-new-cluster")
        first.wait_until_synced()
        for node in others:
            node.start()
        self.wait_until_whole()
        for node in self.nodes:
            node.serve_health()
        self._start_haproxy()

    def _start_haproxy(self) -> None:
        addresses = {f"NODE_{node.number}": f"{node.address}:3306" for node in self.nodes}
        os.environ.update(addresses, DATABASE_BIND=f"127.0.0.1:{self.port}")
        command = [servers.program("haproxy") or "haproxy", "-db", "-q", "-f", str(OPS / "haproxy.cfg")]
        _started.append(servers.start_process(command, self.port, self._folder / "haproxy.log"))


_started: "list[subprocess.Popen[bytes]]" = []


def _migrate(url: str, data: Path) -> None:
    """Make the tables while there is one node: each statement would have to be agreed on by all."""
    command = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
    subprocess.run(command, cwd=BASE_DIR, env=environment(data, DATABASE_URL=url), check=True, timeout=5 * LONGEST_S)


def _give_to_mysql(data: Path) -> None:
    subprocess.run(["chown", "-R", "mysql:mysql", str(data)], check=True)


def wait_for(condition: Any, describe: Any = lambda: "", limit_s: float = LONGEST_S) -> None:
    """Wait until a condition holds; AssertionError after `limit_s`."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, describe()
        time.sleep(0.05)


@pytest.fixture(scope="session")
def galera() -> Iterator[GaleraCluster]:
    """A cluster for all tests of this process; each leaves it whole."""
    require_namespaces()
    cluster = GaleraCluster(servers.temporary_folder())
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.end()
