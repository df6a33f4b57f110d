"""The benchmark's own ground: a MariaDB, a Redis and web servers on free ports of this machine, gone when it ends."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple

import redis

from devtools import servers
from loadtest.load.accounts import log_in

BASE = Path(__file__).resolve().parents[2]
DATABASE, WEB_USER = "hotpath", "web"
SETTINGS = "loadtest.baselines.settings"
PASSWORD = "benchmark-only"  # noqa: S105  of users that live as long as the benchmark
CALLERS = 64  # few enough requests a second for each that no throttle bites
STARTING_S, ENDING_S = 30, 10


GUNICORN = ["-m", "gunicorn", "-c", "python:serving.gunicorn_config", "-b", "127.0.0.1:{port}"]
SERVERS = {
    "gunicorn": GUNICORN,
    "granian": ["-m", "serving", "--host", "127.0.0.1", "--port", "{port}"],
    "gthread": [*GUNICORN, "-k", "gthread", "config.wsgi"],
}


class Web(NamedTuple):
    """A server: its port, the id of its master process, and those of its workers when it had started."""

    port: int
    master: int
    workers: list[int]

    def keep_to_one_core(self) -> None:
        """Each worker to a core of its own, as far as there are any: moving about costs it time of its own."""
        cores = sorted(os.sched_getaffinity(0), reverse=True)
        for number, worker in enumerate(self.workers):
            for thread in os.listdir(f"/proc/{worker}/task"):
                os.sched_setaffinity(int(thread), {cores[number % len(cores)]})


class Ground:
    def __init__(self) -> None:
        servers.require_packages()
        from MySQLdb import connect

        self.folder = servers.temporary_folder()
        self._redis_port, redis_server = servers.start_redis(servers.program("redis-server"), self.folder)
        self.sql_port, mariadb = servers.start_mariadb(self.folder)
        self.servers = [redis_server.pid, mariadb.pid]
        self.redis = redis.Redis(port=self._redis_port)
        self.connect = partial(connect, host="127.0.0.1", port=self.sql_port, user="root", autocommit=True)
        self._database = self.connect()
        self.sql(f"CREATE DATABASE {DATABASE}")
        self.sql(f"USE {DATABASE}")
        self.sql(f"CREATE USER {WEB_USER}@127.0.0.1")
        self.sql(f"GRANT ALL ON {DATABASE}.* TO {WEB_USER}@127.0.0.1")
        self.manage("migrate", "--run-syncdb", "--verbosity=0")

    @cached_property
    def environment(self) -> dict[str, str]:
        """Production's settings, but for the throttles: nobody's limits are to be measured here. And but for the hot
        lane, which would hide what Django costs; it has a section of its own."""
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": SETTINGS,
            "DATABASE_URL": f"mysql://{WEB_USER}@127.0.0.1:{self.sql_port}/{DATABASE}",
            "REDIS_URL": f"redis://127.0.0.1:{self._redis_port}/0",
            "DATA_DIR": str(self.folder),
            "SECRET_KEY": "benchmark-only-" + "x" * 50,
            "DEBUG": "off",
            "HTTPS": "on",
            "THROTTLES": "off",
            "LANE": "off",
        }

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        with self._database.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    def seed(self, users: int) -> None:
        """Users with the ids 1 to `users`."""
        self.manage("seed_benchmark", f"--users={users}", f"--password={PASSWORD}")

    def manage(self, *arguments: str) -> str:
        """Run a management command to its end; what it printed."""
        with self.managed(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as command:
            printed, complaint = command.communicate()
        if command.returncode:
            raise SystemExit(f"manage.py {' '.join(arguments)} failed: {complaint.strip()[-2000:]}")
        return printed

    def managed(self, *arguments: str, **options: Any) -> subprocess.Popen[Any]:
        """A management command that runs."""
        command = [sys.executable, "manage.py", *arguments]
        options = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **options}
        return subprocess.Popen(command, cwd=BASE, env=self.environment, preexec_fn=servers.end_with_parent, **options)

    @contextmanager
    def beside(self, *arguments: str, **options: Any) -> Iterator[subprocess.Popen[Any]]:
        """A management command that runs for as long as the block lasts, and is then ended wherever it is."""
        with self.managed(*arguments, **options) as command:
            try:
                yield command
            finally:
                command.terminate()

    @contextmanager
    def web(self, *, workers: int, threads: int, **variables: str) -> Iterator[Web]:
        """gunicorn as in production, or another of SERVERS by the variable SERVER, for as long as the block lasts;
        `variables` are added to its environment."""
        sizes = {"WEB_WORKERS": str(workers), "WEB_THREADS": str(threads)}
        with serving({**self.environment, **sizes, **variables}, self.folder / "web.log") as server:
            yield server

    @cached_property
    def tokens(self) -> list[str]:
        """Access tokens of the first users; asked for over HTTP, once."""
        with self.web(workers=1, threads=2) as server:
            site = f"http://127.0.0.1:{server.port}"
            return [log_in(site, f"user{number}", PASSWORD) for number in range(1, CALLERS + 1)]

    @contextmanager
    def statements(self) -> Iterator[list[str]]:
        """All SQL that web servers and commands sent during the block, from the server's log; there at its end."""
        self.sql("SET GLOBAL log_output = 'TABLE'")
        self.sql("TRUNCATE mysql.general_log")
        self.sql("SET GLOBAL general_log = ON")
        found: list[str] = []
        try:
            yield found
        finally:
            self.sql("SET GLOBAL general_log = OFF")
        rows = self.sql("SELECT user_host, argument FROM mysql.general_log WHERE command_type IN ('Query', 'Execute')")
        found.extend(_text(statement) for user, statement in rows if _text(user).startswith(WEB_USER))


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else value


@contextmanager
def serving(environment: dict[str, str], log: Path) -> Iterator[Web]:
    port = servers.free_port()
    options = SERVERS[environment.get("SERVER") or "gunicorn"]
    command = [sys.executable, *(option.format(port=port) for option in options)]
    with log.open("ab") as output:
        master = subprocess.Popen(
            command, cwd=BASE, env=environment, stdout=output, stderr=output, start_new_session=True,
            preexec_fn=servers.end_with_parent,
        )  # fmt: skip
    try:
        servers.wait_for_port(port, master, STARTING_S)
        yield Web(port, master.pid, workers_of(master.pid, int(environment["WEB_WORKERS"])))
    finally:
        _end(master)


def workers_of(master: int, count: int) -> list[int]:
    """The ids of its worker processes, once there are so many."""
    children = Path(f"/proc/{master}/task/{master}/children")
    deadline = time.monotonic() + STARTING_S
    while time.monotonic() < deadline:
        pids = [int(pid) for pid in children.read_text().split() if _is_worker(pid)]
        if len(pids) == count:
            return pids
        time.sleep(0.05)
    raise SystemExit(f"The server did not start {count} workers within {STARTING_S} s.")


def _is_worker(pid: str) -> bool:
    """Python's own tracker of shared resources is a child, too."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):  # has just ended
        return False
    return bool(command) and b"resource_tracker" not in command


def _end(master: subprocess.Popen[bytes]) -> None:
    master.terminate()
    try:
        master.wait(ENDING_S)
    except subprocess.TimeoutExpired:
        os.killpg(master.pid, 9)  # it leads a group of its own, with its workers
        master.wait()
