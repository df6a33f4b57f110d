"""A whole installation of a test's own, whose every part can be killed, frozen and cut off from every other.

Two web processes (one for those who write, one for those who only read), a worker, MariaDB and Redis. Each process has
links of its own to the two servers.
"""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import MySQLdb

from config.environment import BASE_DIR
from devtools import servers
from devtools.redis_node import RedisNode
from serving.parent_death import end_with_parent
from tests.faults.history import History
from tests.faults.players import Game
from tests.support.fault_proxy import Link, Network
from tests.support.programs import WEB, Program, environment, run

SETTINGS = "tests.faults.faulty_settings"
WORKER = ("manage.py", "run_jobs")
PROGRAMS = {"writer": (WEB, "2"), "reader": (WEB, "1"), "worker": (WORKER, "1")}
# What is written outlives a kill of the process, as it does not with the options of other tests.
KEPT = ("--appendonly", "yes", "--appendfsync", "no", "--auto-aof-rewrite-min-size", "16mb")
DISK_BYTES = 128 << 20
# An account that read_only concerns, and the server's limit of connections.
DATABASE = (
    "CREATE DATABASE hotpath CHARACTER SET utf8mb4",
    "CREATE USER hotpath@'%' IDENTIFIED BY 'x'",
    "GRANT ALL ON hotpath.* TO hotpath@'%'",
    "GRANT REPLICATION SLAVE ON *.* TO hotpath@'%'",
)
DURABLE = ("--innodb-flush-log-at-trx-commit=2", *servers.BINARY_LOG)


class Site:
    """`programs`, `redis_links` and `database_links` are by the names in PROGRAMS."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "mariadb").mkdir()
        self.network = Network()
        self.redis_has_own_disk = _mount(folder / "redis")
        self.redis = RedisNode(servers.program("redis-server") or "redis-server", folder / "redis", KEPT)
        self.redis.start()
        self.database_port, self.mariadb = servers.start_mariadb(folder / "mariadb", *DURABLE)
        for statement in DATABASE:
            self.sql(statement, database="")
        self.redis_links: dict[str, Link] = {name: self.network.link(self.redis.port) for name in PROGRAMS}
        self.database_links: dict[str, Link] = {name: self.network.link(self.database_port) for name in PROGRAMS}
        self._ports: dict[str, int] = {}
        self._run("-m", "launcher.prepare")
        self.programs: dict[str, Program] = {}
        self.follows = "off"
        """Whether a worker that is started from now on follows the binary log, and so ends entries that are old."""
        for name in PROGRAMS:
            self.start(name)
        for name in ("writer", "reader"):
            self.programs[name].wait_until_up()

    def variables(self, redis_port: int, database_port: int) -> dict[str, str]:
        """Return the environment of a process that has these ways to Redis and to the database."""
        return {
            "DEBUG": "0", "HTTPS": "off", "THROTTLES": "off", "SECRET_KEY": "tests-only-" + "x" * 50,
            "DATABASE_URL": f"mysql://hotpath:x@127.0.0.1:{database_port}/hotpath",
            "REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
        }  # fmt: skip

    def start(self, name: str, **more: str) -> Program:
        """Start a program, again on its port if it was killed; `more` is for its environment."""
        command, workers = PROGRAMS[name]
        values = self.variables(self.redis_links[name].port, self.database_links[name].port)
        port = self._ports.setdefault(name, servers.free_port())
        self.programs[name] = Program(
            command, self.folder / name, port=port, WEB_WORKERS=workers, DJANGO_SETTINGS_MODULE=SETTINGS,
            **{**values, "FOLLOWS": self.follows, **more},
        )  # fmt: skip
        return self.programs[name]

    def kill(self, name: str) -> None:
        """End a program and all of its processes by SIGKILL."""
        self.programs[name].kill()

    def restart(self, name: str, **more: str) -> None:
        """Kill a program, start it again, and wait until it is up."""
        self.kill(name)
        self.start(name, **more)
        if name != "worker":
            self.programs[name].wait_until_up()

    def kill_database(self) -> None:
        self.mariadb.kill()
        self.mariadb.wait()

    def start_database(self) -> None:
        _, self.mariadb = servers.restart_mariadb(self.folder / "mariadb", self.database_port, *DURABLE)

    def sql(self, statement: str, database: str = "hotpath") -> list[tuple[Any, ...]]:
        """Run a statement past the project; return its rows."""
        with self.transaction(database) as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    @contextmanager
    def transaction(self, database: str = "hotpath") -> Iterator[Any]:
        """A cursor past the project, whose transaction is committed after the block."""
        connection = MySQLdb.connect(host="127.0.0.1", port=self.database_port, user="root", database=database)
        try:
            with connection.cursor() as cursor:
                yield cursor
            connection.commit()
        finally:
            connection.close()

    def kill_connections(self, cursor: Any) -> None:
        """End the database's connections with the project, by another one."""
        cursor.execute("SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'hotpath'")
        for (number,) in cursor.fetchall():
            with suppress(MySQLdb.OperationalError):  # it has ended
                cursor.execute(f"KILL {number}")

    def web_workers(self, name: str) -> list[int]:
        """Return the processes of a web program that answer requests: those without children."""
        return [pid for pid in self.programs[name].processes() if not _children(pid)]

    def wrong_answers(self, accounts: list[tuple[int, str]]) -> list[str]:
        """Return how the answers of either web process differ from the database, now that nobody writes."""
        ids = [user for user, _ in accounts]
        query = "SELECT user.id, nickname, (SELECT COUNT(*) FROM social_follow WHERE followee_id = user.id), \
            (SELECT COUNT(*) FROM social_follow WHERE follower_id = user.id), \
            (SELECT COUNT(*) FROM posts_post WHERE author_id = user.id) FROM users_user user WHERE id >= %d"
        rows = {pk: columns for pk, *columns in self.sql(query % min(ids))}
        wrong = []
        for name in ("writer", "reader"):
            ask = partial(self.programs[name].ask, Host="localhost", Authorization=f"Bearer {accounts[0][1]}")
            users = ask("/api/v1/users?ids=" + ",".join(map(str, ids))).body["results"]
            counts = ask("/api/v1/counters?targets=" + ",".join(f"user:{pk}" for pk in ids)).body["results"]
            for pk, row in zip(ids, users, strict=True):
                each = counts[f"user:{pk}"]
                answered = [row["nickname"], each["followers"], each["following"], each["posts"]]
                if answered != rows[pk]:
                    wrong.append(f"{name} answers at the end for user {pk} {answered}, the database has {rows[pk]}")
        return wrong

    def clear(self) -> None:
        """Mend what a broken rule has left: entries, counters, pending invalidations."""
        with self.redis.client() as client:
            client.flushall()
        self.sql("DELETE FROM caching_pendinginvalidation")
        self.sql("DELETE FROM social_follow")
        self.manage("reconcile_counters")

    def is_settled(self) -> bool:
        """Return whether the worker has caught up: no deltas, no pending invalidations, no undrained events."""
        waiting = "SELECT (SELECT COUNT(*) FROM counters_delta) + (SELECT COUNT(*) FROM caching_pendinginvalidation)"
        return self.sql(waiting) == [(0,)] and self.is_drained()

    def is_drained(self) -> bool:
        """Return whether no event of popups waits in Redis."""
        with self.redis.client() as client:
            return not any(client.xlen(key) for key in client.scan_iter(_type="stream"))

    def truth(self) -> dict[str, Any]:
        """Return what the database says (see tests/faults/truth.py)."""
        found: dict[str, Any] = json.loads(self._run("-m", "tests.faults.truth").splitlines()[-1])
        return found

    def accounts(self, number: int) -> list[tuple[int, str]]:
        """Create accounts; return the id and an access token of each."""
        made: list[tuple[int, str]] = json.loads(self._run("-m", "tests.faults.accounts", str(number)).splitlines()[-1])
        return made

    def manage(self, *arguments: str) -> str:
        """Run a command past the links; return its output."""
        return self._run("manage.py", *arguments)

    def _run(self, *command: str) -> str:
        values = self.variables(self.redis.port, self.database_port)
        done = run(command, environment(self.folder / "commands", DJANGO_SETTINGS_MODULE=SETTINGS, **values))
        assert done.returncode == 0, done.stderr
        return str(done.stdout)

    def end(self) -> None:
        for link in (*self.redis_links.values(), *self.database_links.values()):
            link.heal()
        if self.redis.is_running:
            self.redis.thaw()
        self.mariadb.send_signal(signal.SIGCONT)
        for program in self.programs.values():
            program.kill()
        self.redis.end()
        self.mariadb.kill()
        self.mariadb.wait()
        self.network.close()
        if self.redis_has_own_disk:
            subprocess.run(["umount", str(self.redis.folder)], check=True)


def _mount(folder: Path) -> bool:
    """Create a folder with a small file system of its own in memory; return False where that is refused."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def _children(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return ""


class Players:
    """The clients of a game at work, as a context manager; `history()` is what they have written down."""

    def __init__(
        self,
        site: Site,
        *,
        accounts: int = 12,
        writers: int = 14,
        readers: int = 4,
        pause_s: float = 0.1,
        seed: int = 0,
    ) -> None:
        made = site.accounts(accounts)
        self._file = site.folder / f"history-{made[0][0]}"
        ports = {name: site.programs[name].port for name in ("writer", "reader")}
        self.game = Game(
            history=str(self._file), accounts=made, writer_port=ports["writer"], reader_port=ports["reader"],
            writers=writers, readers=readers, pause_s=pause_s, seed=seed,
        )  # fmt: skip
        self._given = site.folder / "game"

    def __enter__(self) -> "Players":
        self._given.write_text(json.dumps(asdict(self.game)))
        command = [sys.executable, "-m", "tests.faults.players", str(self._given)]
        self._process = subprocess.Popen(command, cwd=BASE_DIR, preexec_fn=end_with_parent)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(60) == 0

    def history(self) -> History:
        return History.load(self._file)
