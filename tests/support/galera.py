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
from devtools.programs import output_of
from serving.parent_death import end_with_parent
from tests.support.network_hosts import Network, require_namespaces
from tests.support.programs import environment

OPS = BASE_DIR / "deploy" / "galera"
NODES = (1, 2, 3)
LONGEST_S = 60
JOIN_S = 30
"""How long a node may take to join before it is started again."""
LAST_LINES = 40
# rsync asks for the name of the host that sends: no server of names is reached from these networks.
ENVIRONMENT = os.environ | {"RES_OPTIONS": "timeout:1 attempts:1"}
QUICK = (
    "--innodb-flush-method=nosync", "--innodb-doublewrite=0", "--skip-name-resolve", "--innodb-buffer-pool-size=64M",
    "--innodb-log-file-size=16M", "--max-connections=300", "--character-set-server=utf8mb4",
)  # fmt: skip
# What a worker needs that follows the log of any node (docs/operations/direct-edits.md).
LOG = (*servers.BINARY_LOG, "--log-slave-updates", "--wsrep-gtid-mode=ON", "--wsrep-gtid-domain-id=1")
ACCESS = "CREATE USER root@'%'; GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION; CREATE DATABASE hotpath"


class Node:
    """A MariaDB of the cluster, and beside it the program that answers health checks."""

    def __init__(self, network: Network, number: int, folder: Path) -> None:
        self.number, self.address = number, network.address(number)
        self._network, self._folder = network, folder
        self.data, self.log, self._socket = folder / str(number), folder / f"{number}.log", folder / f"{number}.sock"
        self._temporary = folder / f"{number}.tmp"
        self._temporary.mkdir()
        self._temporary.chmod(0o777)
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
        return [line.split("\t") for line in output_of(client, timeout=limit_s).splitlines()]

    def state(self) -> str:
        """Return what the node says of its part in the cluster, such as "Synced" or "Donor/Desynced"."""
        if self.has_ended():
            return f"ended with {self.process.returncode}" if self.process else "not started"
        try:
            found = self.query("SHOW STATUS LIKE 'wsrep_local_state_comment'")
        except subprocess.SubprocessError as error:
            return f"no answer: {error}"
        return found[0][1] if found else "not a node"

    def is_synced(self) -> bool:
        return self.state() == "Synced"

    def has_ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def describe(self) -> str:
        """Return the state of the node, and what it wrote last."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return f"node {self.number} is {self.state()}; its last lines:\n" + "\n".join(lines[-LAST_LINES:])

    def wait_until_synced(self) -> "Node":
        wait_for(lambda: self.is_synced() or self.has_ended(), self.describe)
        assert not self.has_ended(), self.describe()
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

    def _end(self, number: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(LONGEST_S)
            self.process = None

    def _command(self, *options: str) -> list[str]:
        members = ",".join(map(self._network.address, NODES))
        return [
            servers.program("mariadbd") or "mariadbd", f"--defaults-file={OPS / 'node.cnf'}", f"--datadir={self.data}",
            f"--socket={self._socket}", "--port=3306", "--bind-address=0.0.0.0", *QUICK, *LOG,
            f"--gtid-domain-id={10 + self.number}",
            f"--wsrep-cluster-address=gcomm://{members}", f"--wsrep-node-address={self.address}",
            f"--wsrep-node-name=node{self.number}", "--wsrep-sst-method=rsync", f"--tmpdir={self._temporary}",
            *options,
        ]  # fmt: skip

    def _run(self, command: list[str]) -> "subprocess.Popen[bytes]":
        # The account changes first: the signal of the parent's death is forgotten by that.
        account = ["setpriv", "--reuid=mysql", "--regid=mysql", "--clear-groups", "--pdeathsig=KILL"]
        with self.log.open("ab") as output:
            process = subprocess.Popen(
                self._network.command(self.number, *account, *command), stdout=output, stderr=output,
                start_new_session=True, cwd=self._folder, preexec_fn=end_with_parent, env=ENVIRONMENT,
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

    def wait_until_whole(self, limit_s: float = LONGEST_S) -> None:
        """Wait until the nodes are Synced at the same time: while one of them joins, another may leave for a moment."""
        _wait_until_synced_together(self.nodes, limit_s)

    def start(self) -> None:
        first, *others = self.nodes
        servers.install_mariadb(self._folder, first.data)
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
        for count, node in enumerate(others, start=2):
            node.start()
            _complete(self.nodes[:count])
        for node in self.nodes:
            node.serve_health()
        self._start_haproxy()

    def _start_haproxy(self) -> None:
        addresses = {f"NODE_{node.number}": f"{node.address}:3306" for node in self.nodes}
        os.environ.update(addresses, DATABASE_BIND=f"127.0.0.1:{self.port}")
        command = [servers.program("haproxy") or "haproxy", "-db", "-q", "-f", str(OPS / "haproxy.cfg")]
        _started.append(servers.start_process(command, self.port, self._folder / "haproxy.log"))


_started: "list[subprocess.Popen[bytes]]" = []


def _wait_until_synced_together(nodes: list[Node], limit_s: float) -> None:
    wait_for(
        lambda: all(node.is_synced() for node in nodes), lambda: "\n".join(node.describe() for node in nodes), limit_s
    )


def _complete(nodes: list[Node]) -> None:
    """Wait until nodes are Synced together, and start those again that do not get there.

    On a machine with too little time for all, nodes give each other up. A donor that is given up while a node joins
    remains a donor until it is started again (Galera 26.4), and one whose state transfer fails ends, for its service to
    start it. Nodes that join one after another meet this less: each that joins changes the membership.
    """
    for _ in nodes:
        with contextlib.suppress(AssertionError):
            _wait_until_synced_together(nodes, JOIN_S)
            return
        # The youngest first: the others may be waiting for it, and those before it hold the data.
        lagging = next((node for node in reversed(nodes) if not node.is_synced()), None)
        if lagging:
            lagging.kill()
            lagging.start()
    _wait_until_synced_together(nodes, LONGEST_S)


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
