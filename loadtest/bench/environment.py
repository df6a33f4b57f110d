"""The environment of the benchmark: a MariaDB, a Redis and web servers on free ports of this machine."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import redis

from devtools import servers
from loadtest.bench.web_server import PROJECT_ROOT, WebServer, run_web_server
from loadtest.load.accounts import log_in

DATABASE, WEB_USER = "hotpath", "web"
SETTINGS = "loadtest.baselines.settings"
PASSWORD = "benchmark-only"  # noqa: S105  of users that exist only while the benchmark runs
CALLERS = 64  # enough that no caller sends so many requests a second that a throttle refuses one


class Environment:
    """Private servers, with the users 1 to `users` in the database; all of it is removed when the process ends."""

    def __init__(self, users: int, before: Path | None = None) -> None:
        """`before`: a checkout of the project to compare with, where a section can."""
        servers.require_packages()
        from MySQLdb import connect

        self.users, self.before = users, before
        self.folder = servers.temporary_folder()
        binary = servers.program("redis-server") or "redis-server"
        self._redis_port, redis_server = servers.start_redis(binary, self.folder)
        self.sql_port, mariadb = servers.start_mariadb(self.folder)
        self.redis_pid, self.mariadb_pid = redis_server.pid, mariadb.pid
        self.redis: Any = redis.Redis(port=self._redis_port)  # its types allow str in every answer
        self.connect = partial(connect, host="127.0.0.1", port=self.sql_port, user="root", autocommit=True)
        self._database = self.connect()
        self.sql(f"CREATE DATABASE {DATABASE}")
        self.sql(f"USE {DATABASE}")
        self.sql(f"CREATE USER {WEB_USER}@127.0.0.1")
        self.sql(f"GRANT ALL ON {DATABASE}.* TO {WEB_USER}@127.0.0.1")
        self.run_command("migrate", "--run-syncdb", "--verbosity=0")
        self.seed_users(users)

    @cached_property
    def variables(self) -> dict[str, str]:
        """Environment variables of the project's processes: the production settings, with two exceptions.

        Throttles are off, because no client's limit is to be measured. The hot lane is off, because it would hide
        what Django costs; it has a section of its own.
        """
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
            "WEB_DRAIN_S": "0",
        }

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Execute a statement as the database's administrator, and return its rows."""
        with self._database.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    def seed_users(self, users: int) -> None:
        """Create the users with the ids 1 to `users`; users that exist are left unchanged."""
        self.run_command("seed_benchmark", f"--users={users}", f"--password={PASSWORD}")

    def run_command(self, *arguments: str, **variables: str) -> str:
        """Run a management command to its end, and return what it printed; raise SystemExit if it fails.

        `variables`: of its environment, besides those of all.
        """
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        with self.start_command(*arguments, **pipes, env={**self.variables, **variables}) as command:
            printed, errors = command.communicate()
        if command.returncode:
            raise SystemExit(f"manage.py {' '.join(arguments)} failed: {errors.strip()[-2000:]}")
        return printed

    def start_command(self, *arguments: str, **options: Any) -> subprocess.Popen[Any]:
        """Start a management command, and return its process; `options` are those of Popen."""
        command = [sys.executable, "manage.py", *arguments]
        options = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": self.variables, **options}
        return subprocess.Popen(command, cwd=PROJECT_ROOT, preexec_fn=servers.end_with_parent, **options)

    @contextmanager
    def background_command(self, *arguments: str, **options: Any) -> Iterator[subprocess.Popen[Any]]:
        """Run a management command while the block lasts, then terminate it, whatever it is doing."""
        with self.start_command(*arguments, **options) as command:
            try:
                yield command
            finally:
                command.terminate()

    def web_server(self, *, workers: int, threads: int, **variables: str) -> AbstractContextManager[WebServer]:
        """Run a web server while the block lasts: gunicorn as in production, or another one by the variable SERVER.

        `variables` are added to its environment variables.
        """
        return self.web_server_of(PROJECT_ROOT, WEB_WORKERS=str(workers), WEB_THREADS=str(threads), **variables)

    @contextmanager
    def web_server_of(self, tree: Path, **variables: str) -> Iterator[WebServer]:
        """Run a web server of a checkout of the project, with these variables besides those of all."""
        with run_web_server({**self.variables, **variables}, self.folder / "web.log", tree) as server:
            yield server

    @cached_property
    def tokens(self) -> list[str]:
        """Access tokens of the first CALLERS users, requested over HTTP once."""
        with self.web_server(workers=1, threads=2) as server:
            site = f"http://127.0.0.1:{server.port}"
            return [log_in(site, f"user{number}", PASSWORD) for number in range(1, CALLERS + 1)]

    @contextmanager
    def logged_statements(self) -> Iterator[list[str]]:
        """Log all SQL that web servers and commands send during the block; the list is filled when the block ends."""
        self.sql("SET GLOBAL log_output = 'TABLE'")
        self.sql("TRUNCATE mysql.general_log")
        self.sql("SET GLOBAL general_log = ON")
        statements: list[str] = []
        try:
            yield statements
        finally:
            self.sql("SET GLOBAL general_log = OFF")
        rows = self.sql("SELECT user_host, argument FROM mysql.general_log WHERE command_type IN ('Query', 'Execute')")
        statements.extend(_decoded(statement) for user, statement in rows if _decoded(user).startswith(WEB_USER))


def _decoded(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else value
