"""Web hosts over HTTP: two on one database with a replica, and a third on a database of its own, to compare with."""

import http.client
import json
import re
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import redis

from devtools import servers
from tests.support.mariadb_replica import DATABASE, Replicated
from tests.support.programs import WEB, Program, environment, run

PLAIN = "plain"
"""The name of the database without a replica, on the same server."""
PASSWORD = "correct-horse-battery"
PREPARE = """
from django.core.management import call_command
from popups.models import Popup
call_command("migrate", verbosity=0)
Popup.objects.create(title="Hello", reshow_hours=0, click_cooldown_hours=0)
"""
# What differs between two runs of the same requests.
_TIME = re.compile(r'"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[^"]*"')
_OF_THE_MOMENT = {"access", "refresh", "claim"}


class Reply(NamedTuple):
    status: int
    json: Any

    def comparable(self) -> Any:
        """Return the answer without what is random or of the moment."""
        return self.status, _comparable(json.loads(_TIME.sub('"time"', json.dumps(self.json))))


def _comparable(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: bool(value) if key in _OF_THE_MOMENT else _comparable(value) for key, value in node.items()}
    return [_comparable(each) for each in node] if isinstance(node, list) else node


class Host:
    """A web process of its own, and a client that keeps its connection."""

    def __init__(self, folder: Path, **values: str) -> None:
        self.program = Program(WEB, folder, DEBUG="0", HTTPS="off", THROTTLES="off", **values)

    def request(self, method: str, path: str, body: Any = None, token: str | None = None, **headers: str) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.program.port, timeout=30)
        try:
            given = {"Host": "localhost", "Content-Type": "application/json", **headers}
            if token is not None:
                given["Authorization"] = f"Bearer {token}"
            data = None if body is None else json.dumps(body).encode()
            connection.request(method, f"/api/v1/{path}", data, given)
            response = connection.getresponse()
            text = response.read()
            return Reply(response.status, json.loads(text) if text else None)
        finally:
            connection.close()

    def account(self, username: str) -> tuple[int, str]:
        """Register an account and log it in; return its id and access token."""
        registered = self.request("POST", "users", {"username": username, "password": PASSWORD})
        assert registered.status == 201, registered
        tokens = self.request("POST", "auth/token", {"username": username, "password": PASSWORD})
        return registered.json["id"], tokens.json["access"]


class Site:
    """The servers, and the hosts: `hosts` have a replica, `plain` has none."""

    def __init__(self, folder: Path, **values: str) -> None:
        self.folder, self.databases = folder, Replicated(folder)
        self.redis_port, _ = servers.start_redis(servers.program("redis-server") or "redis-server", folder)
        self._migrate()
        writer, replica = self.databases.writer, self.databases.replica
        grown = {"DATABASE_REPLICA_URLS": replica.url, **values}
        self.hosts = [self._host(f"host{number}", writer.url, 0, **grown) for number in (1, 2)]
        self.plain = self._host("plain", writer.url.replace(DATABASE, PLAIN), 1)
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda host: host.program.wait_until_up(), [*self.hosts, self.plain]))

    def end(self) -> None:
        for host in [*self.hosts, self.plain]:
            host.program.process.send_signal(signal.SIGTERM)
        for host in [*self.hosts, self.plain]:
            host.program.process.wait(40)

    def logs(self) -> str:
        """Return what the hosts with a replica have written."""
        return "".join(host.program.log.read_text() for host in self.hosts)

    def count(self, table: str, **column: int) -> int:
        """Count the rows of a table on the writer that have a value in a column."""
        ((name, value),) = column.items()
        sql = f"SELECT COUNT(*) FROM {DATABASE}.{table} WHERE {name} = {value}"  # noqa: S608
        return int(self.databases.writer.execute(sql)[0][0])

    def begin_again(self) -> None:
        """Give both databases the tables and rows that they began with."""
        for name in (DATABASE, PLAIN):
            self._run("mariadb", name, self._dump)
        self.flush()

    def flush(self) -> None:
        """Empty Redis, so that each entry is filled anew."""
        with redis.Redis(port=self.redis_port) as client:
            client.flushall()

    def _host(self, name: str, url: str, redis_db: int, **values: str) -> Host:
        return Host(self.folder / name, **self._environment(url, redis_db), **values)

    def _environment(self, url: str, redis_db: int) -> dict[str, str]:
        key = "tests-only-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKL"
        return {"DATABASE_URL": url, "REDIS_URL": f"redis://127.0.0.1:{self.redis_port}/{redis_db}", "SECRET_KEY": key}

    def _migrate(self) -> None:
        """Make the tables and the seeds once, and copy them."""
        writer = self.databases.writer
        env = environment(self.folder / "migrate", **self._environment(writer.url, 2))
        prepared = run(("manage.py", "shell", "-c", PREPARE), env)
        assert prepared.returncode == 0, prepared.stderr
        writer.execute(f"CREATE DATABASE {PLAIN} CHARACTER SET utf8mb4")
        self._dump = self._run("mariadb-dump", DATABASE)
        self._run("mariadb", PLAIN, self._dump)

    def _run(self, program: str, database: str, given: bytes = b"") -> bytes:
        port = self.databases.writer.port
        command = [servers.program(program) or program, "--no-defaults", "-h127.0.0.1", "-uroot", f"-P{port}", database]
        return subprocess.run(command, check=True, input=given, stdout=subprocess.PIPE).stdout
