"""Web hosts behind HAProxy, as deploy/haproxy/web.cfg has it, with one database and one Redis on this machine."""

import contextlib
import csv
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from config.environment import BASE_DIR
from devtools import servers
from devtools.programs import output_of
from launcher import embedded_redis
from serving.parent_death import end_with_parent
from tests.support.network_hosts import Network, require_namespaces
from tests.support.polling import wait_until
from tests.support.programs import environment
from tests.support.short_form import SHORT
from tests.topologies.hosts.load import Load

KEY = "hosts-only-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJ"
DRAIN_S = "1" if SHORT else "5"
PORT = 8000  # of the service on each host
USED = ("web", "web_once")  # backends, while the database answers


@dataclass
class WebHost:
    """The service on the host `number` of a network; `name` as HAProxy calls it."""

    network: Network
    number: int
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def name(self) -> str:
        return f"web{self.number}"

    @property
    def address(self) -> str:
        return f"{self.network.address(self.number)}:{PORT}"

    def start(self, tree: Path, log: Path, env: dict[str, str]) -> None:
        """Start the service by the code in a folder."""
        command = self.network.command(self.number, sys.executable, "-m", "serving")
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command, cwd=tree, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True, preexec_fn=end_with_parent,
            )  # fmt: skip

    def kill(self) -> None:
        """End the host without a word."""
        self.network.kill(self.number)

    def stop(self) -> None:
        """Stop the service as a supervisor does, by SIGTERM, and wait for its end."""
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(40) == 0
        self.process = None


class Fleet:
    """The servers, and `hosts`. `tree` is the code of manage.py, and of hosts that are started next."""

    def __init__(self, folder: Path, network: Network, tree: Path, **values: str) -> None:
        self.folder, self.tree, self._values = folder, tree, values
        self.hosts = [WebHost(network, number) for number in network.hosts[:-1]]
        self._start_servers(network)
        self._start_haproxy()

    def _start_servers(self, network: Network) -> None:
        here = network.here
        redis_port, self.redis = servers.start_redis(
            embedded_redis.redis_server(), self.folder, "--bind", "127.0.0.1", here, "--protected-mode", "no"
        )
        self._start_database(network, network.hosts[-1])
        self.sql(
            "CREATE DATABASE hotpath CHARACTER SET utf8mb4; CREATE USER hotpath@'%' IDENTIFIED BY 'x';"
            "GRANT ALL ON hotpath.* TO hotpath@'%'"
        )
        self.variables = {
            "DEBUG": "0", "HTTPS": "off", "PROXIES": "1", "SECRET_KEY": KEY, "WEB_DRAIN_S": DRAIN_S, "WEB_WORKERS": "1",
            "DATABASE_URL": f"mysql://hotpath:x@{self._database}:{self._database_port}/hotpath",
            "REDIS_URL": f"redis://{here}:{redis_port}/0", "PYTHONDONTWRITEBYTECODE": "1", **self._values,
        }  # fmt: skip

    def _start_database(self, network: Network, host: int) -> None:
        """Start the database on a host of its own, which notices that others have vanished by what the sample sets."""
        sample = yaml.safe_load((BASE_DIR / "deploy/compose.grown.yaml").read_text())["services"]["mariadb"]
        for name, value in sample["sysctls"].items():
            subprocess.run(network.command(host, "sysctl", "-qw", f"{name}={value}"), check=True)
        keepalive = [option for option in sample["command"] if option.startswith("--tcp-keepalive")]
        self._database = network.address(host)
        with network.on(host):
            self._database_port, self.mariadb = servers.start_mariadb(
                self.folder, f"--bind-address=127.0.0.1,{self._database}", *keepalive
            )

    def sql(self, text: str) -> str:
        """Run SQL as the database's root; return what it prints, without names of columns."""
        address = [f"--socket={self.folder}/mariadb.sock", "--user=root"]
        client = ["mariadb", "--no-defaults", *address, "--skip-column-names"]
        return output_of(client, input=text)

    def row_locks(self) -> int:
        """Return how many rows transactions have locked."""
        return int(self.sql("SELECT COALESCE(SUM(trx_rows_locked), 0) FROM information_schema.innodb_trx"))

    def database_client(self) -> list[str]:
        """Return a command line that runs, on any host, SQL from its standard input, line by line."""
        address = [f"--host={self._database}", f"--port={self._database_port}", "--user=hotpath", "--password=x"]
        return ["mariadb", "--no-defaults", "--unbuffered", *address, "hotpath"]

    def _start_haproxy(self) -> None:
        """Start HAProxy by the sample, with these hosts, a port of its own, and a socket for questions."""
        self.port, self._stats = servers.free_port(), self.folder / "haproxy.sock"
        text = (BASE_DIR / "deploy/haproxy/web.cfg").read_text()
        text = re.sub(r"(    server .*\n)+", self._servers, text)
        if SHORT:
            text = text.replace("inter 1s fastinter 500ms", "inter 200ms")
        text = text.replace("bind :8080", f"bind 127.0.0.1:{self.port}")
        text = text.replace("\nglobal\n", f"\nglobal\n    stats socket {self._stats} level admin\n")
        (self.folder / "haproxy.cfg").write_text(text)
        command = [servers.program("haproxy") or "haproxy", "-db", "-f", str(self.folder / "haproxy.cfg")]
        self.haproxy = servers.start_process(command, self.port, self.folder / "haproxy.log")

    def _servers(self, lines: "re.Match[str]") -> str:
        """Return lines like the last one of the sample's web hosts, for these hosts."""
        like = re.sub(r"web\d:8000", "ADDRESS", lines[1])
        return "".join(re.sub(r"web\d", web.name, like).replace("ADDRESS", web.address) for web in self.hosts)

    def manage(self, *arguments: str, text: str | None = None) -> str:
        """Run manage.py of the current code, with text on its standard input; return its output."""
        values = environment(self.folder / "data", **self.variables)
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=self.tree, env=values, input=text, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, web: WebHost, **values: str) -> None:
        """Start the service of the current code on a host."""
        env = environment(self.folder / web.name, PORT=str(PORT), **{**self.variables, **values})
        web.start(self.tree, self.folder / f"{web.name}.log", env)

    def wait_until_up(self, *hosts: WebHost) -> None:
        """Wait until HAProxy sends requests to the hosts, all of them by default."""
        names = {web.name for web in hosts or self.hosts}
        wait_until(lambda: names <= self.in_rotation())

    def in_rotation(self, backend: str = "web") -> set[str]:
        """Return the names of the hosts to which HAProxy sends requests."""
        return {row["svname"] for row in self.statistics(backend) if row["status"].startswith("UP")}

    def statistics(self, *backends: str) -> list[dict[str, str]]:
        """Return HAProxy's statistics of the hosts of backends, by default of those that need the database."""
        with socket.socket(socket.AF_UNIX) as client, contextlib.closing(client):
            client.connect(str(self._stats))
            client.sendall(b"show stat\n")
            text = b"".join(iter(lambda: client.recv(65536), b"")).decode()
        rows = csv.DictReader(text.removeprefix("# ").splitlines())
        totals = {"FRONTEND", "BACKEND"}
        return [row for row in rows if row["pxname"] in (backends or USED) and row["svname"] not in totals]

    def deploy(self, tree: Path, hosts: "list[WebHost] | None" = None) -> None:
        """Migrate by new code while the old serves, then replace the hosts (all by default) one after the other."""
        self.tree = tree
        self.manage("migrate", "--no-input")
        for web in hosts or self.hosts:
            web.stop()
            self.start(web)
            self.wait_until_up(web)

    def errors(self) -> dict[str, int]:
        """Return {host: requests that HAProxy sent there without getting an answer}."""
        lost = Counter[str]()
        for row in self.statistics():
            lost[row["svname"]] += int(row["eresp"])
        return dict(lost)

    def end(self) -> None:
        """Wait for the services, whose hosts are gone, and end the servers on this machine."""
        for web in self.hosts:
            if web.process:
                web.process.wait()
        for process in (self.haproxy, self.redis, self.mariadb):
            process.kill()
            process.wait()


@contextlib.contextmanager
def running(folder: Path, hosts: int, tree: Path, **values: str) -> Iterator[Fleet]:
    """Run a fleet with tables and no hosts started, and end all of it."""
    with contextlib.ExitStack() as stack:
        require_namespaces()
        network = Network(hosts + 1)
        fleet_ends = stack.enter_context(contextlib.ExitStack())
        stack.callback(network.remove)
        fleet = Fleet(folder, network, tree, **values)
        fleet_ends.callback(fleet.end)
        fleet.manage("migrate", "--no-input", "--verbosity", "0")
        yield fleet


ACCOUNTS = """
from users import logins
from users.models import User
from posts import services as posts
users = [User.objects.create_one(username=f"load{n}") for n in range(%d)]
post = posts.publish(author_id=users[0].pk, text="Everybody comments on this.")
from json import dumps
def token(user):
    return logins.begin(user.pk, generation=user.token_generation, user_agent="")["access"]


print("\\n" + dumps([post.pk, [(user.pk, token(user)) for user in users]]))
"""


class Clients:
    """Clients at work against a fleet; `outcome()` is what became of their requests so far."""

    def __init__(self, fleet: Fleet, *, clients: int, per_second: int, most: int) -> None:
        made = fleet.manage("shell", "--no-imports", text=ACCOUNTS % clients).strip().splitlines()[-1]
        post_id, accounts = json.loads(made)
        load = Load(port=fleet.port, accounts=accounts, post_id=post_id, per_second=per_second, most=most)
        self._file = fleet.folder / "load.json"
        self._file.write_text(json.dumps(asdict(load)))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.topologies.hosts.load", str(self._file)],
            cwd=BASE_DIR, preexec_fn=partial(end_with_parent, signal.SIGKILL),
        )  # fmt: skip

    def outcome(self) -> dict[str, Any]:
        """Return the fields of load.Outcome."""
        path = self._file.with_suffix(".outcome")
        return json.loads(path.read_text()) if path.exists() else {"sent": 0, "lost": []}

    def wait_for(self, requests: int) -> None:
        """Wait until so many requests have been sent."""
        while self.outcome()["sent"] < requests and self._process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0.2)
        assert self.outcome()["sent"] >= requests

    def finish(self) -> dict[str, Any]:
        """Let the clients send nothing more, and return the outcome once they have their answers."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process.pid, signal.SIGTERM)
        assert self._process.wait(60) == 0
        return self.outcome()

    def kill(self) -> None:
        """End the clients, if they still run."""
        self._process.kill()
        self._process.wait()
