"""A whole installation of a test's own: web, worker, MariaDB and Redis, and the three places where faults show."""

import re
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import MySQLdb
import redis

from devtools import servers
from launcher import embedded_redis
from tests.metrics.scrapes import TOKEN, Scrape, scrape
from tests.operations.browser import PAGE, Browser, install
from tests.support.programs import WEB, Program

WORKER = ("manage.py", "run_jobs")
MEMORY = 16_000_000


class System:
    """`web` and `worker` write to one log; both servers may be frozen, and Redis, which evicts nothing, filled up."""

    def __init__(self, folder: Path, **values: str) -> None:
        (folder / "own").mkdir()
        self._mariadb_port, self.mariadb = servers.start_mariadb(folder / "own")
        limit = ("--maxmemory", str(MEMORY), "--maxmemory-policy", "noeviction")
        self._redis_port, self.redis_server = servers.start_redis(embedded_redis.redis_server(), folder, *limit)
        self.redis = redis.Redis(port=self._redis_port)
        with self.sql("") as connection:
            connection.cursor().execute("CREATE DATABASE hotpath CHARACTER SET utf8mb4")
        self._data = folder / "data"
        self._values = {
            "DEBUG": "0", "HTTPS": "off", "SECRET_KEY": "tests-only-" + "x" * 50, "METRICS_TOKEN": TOKEN,
            "DATABASE_URL": f"mysql://root@127.0.0.1:{self._mariadb_port}/hotpath",
            "REDIS_URL": f"redis://127.0.0.1:{self._redis_port}/0", **values,
        }  # fmt: skip
        install(self._data, **self._values)
        self.web = Program(WEB, self._data, **self._values).wait_until_up()
        self.up_at = time.monotonic()
        self.worker = self.start_worker()
        self._browser = Browser(self.web).log_in()
        self._browser.get(PAGE)

    def sql(self, database: str = "hotpath") -> Any:
        """Return a connection past the project; as a context manager it commits."""
        return MySQLdb.connect(host="127.0.0.1", port=self._mariadb_port, user="root", database=database)

    def start_worker(self) -> Program:
        self.worker = Program(WORKER, self._data, **self._values)
        return self.worker

    def scrape(self) -> Scrape:
        return scrape(self.web.port)

    def page(self) -> str:
        """Return the part of the operator's page that tells how everything is, as text."""
        return re.sub(r"<[^>]*>|\s+", " ", self._browser.get(f"{PAGE}now").text)

    def log(self) -> str:
        return self.web.log.read_text()

    def end(self) -> None:
        for process in (self.mariadb, self.redis_server):
            process.send_signal(signal.SIGCONT)
        for program in (self.web, self.worker):
            program.process.send_signal(signal.SIGTERM)
        for program in (self.web, self.worker):
            with suppress(subprocess.TimeoutExpired):
                program.process.wait(40)
            assert program.wait_until_gone() == {}
        self.redis.close()
        for process in (self.mariadb, self.redis_server):
            process.kill()
            process.wait()
