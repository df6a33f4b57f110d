"""A backup under load, made and restored as docs/operations/backup.md says, lacks nothing and shows nothing old."""

import json
import os
import signal
import time
from collections import Counter
from contextlib import closing
from http.client import HTTPConnection

import pytest
import redis as redis_py

from devtools import servers
from devtools.programs import output_of
from tests.operations.mixed_load import MARK, MixedLoad, call, log_in
from tests.support.polling import wait_until
from tests.support.programs import WEB, Program, environment, run

pytestmark = [pytest.mark.services, pytest.mark.sampled]
USERS = 6
WORKER = ("manage.py", "run_jobs")
ADD_POPUP = "from popups.models import Popup; Popup.objects.create(title='Hello', reshow_hours=0)"


class Site:
    """A MariaDB, a Redis and the programs of the project on them."""

    def __init__(self, folder, dump: str = "") -> None:
        folder.mkdir()
        self.folder = folder
        self.mariadb_port, self._mariadb = servers.start_mariadb(folder)
        self.sql("CREATE DATABASE hotpath CHARACTER SET utf8mb4", database="")
        if dump:
            self.sql(dump)
        self.values = {
            "DEBUG": "0", "SECRET_KEY": "tests-only-" + "x" * 50, "HTTPS": "off", "THROTTLES": "off",
            "DATABASE_URL": f"mysql://root@127.0.0.1:{self.mariadb_port}/hotpath", "WEB_WORKERS": "2",
        }  # fmt: skip
        self._servers, self.programs = [self._mariadb], []
        self.redis_port = 0

    def start_redis(self, *options: str) -> redis_py.Redis:
        """Start the Redis that programs use from now on."""
        self.redis_port, process = servers.start_redis("redis-server", self.folder, *options)
        self._servers.append(process)
        self.values["REDIS_URL"] = f"redis://127.0.0.1:{self.redis_port}/0"
        return redis_py.Redis(port=self.redis_port)

    def sql(self, text: str, database: str = "hotpath") -> list[list[str]]:
        """Run statements; return the rows."""
        command = ["mariadb", *self._address(), "--batch", "--skip-column-names", *([database] if database else [])]
        return [line.split("\t") for line in output_of(command, input=text).splitlines()]

    def dump(self) -> str:
        """Return all of the database, of one moment."""
        command = ["mariadb-dump", *self._address(), "--single-transaction", "--quick", "hotpath"]
        return output_of(command)

    def manage(self, *command: str) -> str:
        """Run a command of manage.py to its end; return what it printed."""
        done = run(("manage.py", *command), environment(self.folder / "data", **self.values))
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self, program: tuple[str, ...]) -> Program:
        self.programs.append(Program(program, self.folder / "data", **self.values))
        return self.programs[-1]

    def _address(self) -> list[str]:
        return ["--no-defaults", "--host=127.0.0.1", f"--port={self.mariadb_port}", "--user=root"]

    def end(self) -> None:
        for program in self.programs:
            program.end(signal.SIGTERM)
        for process in self._servers:
            process.kill()
            process.wait()


@pytest.fixture
def sites():
    started: list[Site] = []
    yield started
    for site in started:
        site.end()


def copy_of_redis(site: Site) -> str:
    path = site.folder / "copy.rdb"
    command = ["redis-cli", "-p", str(site.redis_port), "--rdb", str(path)]
    output_of(command)
    return str(path)


def stop_between_transactions(site: Site, worker: Program) -> None:
    """Stop the worker where it has no transaction open.

    Events that it is inserting hold the rows of their users (InnoDB: a foreign key locks what it refers to): who writes
    these waits, until the server ends a transaction that does nothing.
    """
    for _ in range(50):
        worker.process.send_signal(signal.SIGSTOP)
        before = transactions(site)
        time.sleep(0.5)
        if not before & transactions(site):
            return
        worker.process.send_signal(signal.SIGCONT)
        time.sleep(0.1)
    raise AssertionError("the worker has a transaction open all the time")


def transactions(site: Site) -> set[str]:
    return {number for (number,) in site.sql("SELECT trx_id FROM information_schema.innodb_trx")}


@pytest.mark.parametrize("drains", [True, False], ids=["drains", "stands still"])
def test_a_backup_under_load_is_restored_elsewhere(sites, tmp_path, drains):
    """Events of popups are in both copies, or in that of Redis alone if the worker stands still."""
    sites.append(first := Site(tmp_path / "first"))
    first.start_redis()
    first.manage("migrate", "--verbosity=0")
    first.manage("shell", "-c", ADD_POPUP)
    web = first.start(WEB).wait_until_up()
    worker = first.start(WORKER)
    with MixedLoad(web.port, USERS) as load:
        wait_until(lambda: len(load.acknowledged) > 150)
        if not drains:
            stop_between_transactions(first, worker)
        wait_until(lambda: len(load.acknowledged) > 300)
        before = list(load.acknowledged)
        copy, dump = copy_of_redis(first), first.dump()
        worker.process.send_signal(signal.SIGCONT)
        wait_until(lambda: len(load.acknowledged) > len(before) + 200)
    assert load.failures == []
    assert {each.what for each in before} == {"name", "follow", "post", "like", "shown"}

    sites.append(second := Site(tmp_path / "second", dump))
    assert_restored(second, copy)
    second.start(WORKER)
    assert_complete(second, before)
    assert_nothing_old(second, second.start(WEB).wait_until_up(), load.ids)


def assert_restored(site: Site, copy: str) -> None:
    """Restore as the document says: events out of the copy of Redis, and then an empty Redis for everything."""
    copied = site.start_redis("--dbfilename", os.path.basename(copy), "--dir", os.path.dirname(copy))
    assert copied.dbsize() > 0
    site.manage("drain_popup_events", "--once")
    copied.shutdown(nosave=True)
    site.start_redis()
    site.manage("drain_invalidations", "--once")
    site.manage("reconcile_counters", "--check")
    site.manage("warm_cache")


def assert_complete(site: Site, before: list) -> None:
    """What was acknowledged before the backup began is there."""
    names = dict(site.sql("SELECT id, nickname FROM users_user"))
    for what, user_id, value in before:
        if what == "name":
            assert int(names[str(user_id)].removeprefix(MARK)) >= value
    for what, table in (
        ("follow", "SELECT follower_id, followee_id FROM social_follow"),
        ("post", "SELECT author_id, id FROM posts_post"),
        ("like", "SELECT user_id, post_id FROM posts_like"),
    ):
        rows = {(int(owner), int(other)) for owner, other in site.sql(table)}
        assert {(user_id, value) for kind, user_id, value in before if kind == what} <= rows
    shown = Counter(int(user_id) for (user_id,) in site.sql("SELECT user_id FROM popups_event WHERE type = 'shown'"))
    acknowledged = Counter(user_id for what, user_id, _ in before if what == "shown")
    assert {user_id: shown[user_id] for user_id in acknowledged if shown[user_id] < acknowledged[user_id]} == {}


def assert_nothing_old(site: Site, web: Program, ids: list[int]) -> None:
    """Users, and their counters, are answered as the database has them."""
    targets = ",".join(f"user:{each}" for each in ids)
    with closing(HTTPConnection("127.0.0.1", web.port, timeout=30)) as connection:
        token = log_in(connection, 0)
        users = call(connection, "GET", "users?ids=" + ",".join(map(str, ids)), None, token)[1]["results"]
        counts = call(connection, "GET", f"counters?targets={targets}", None, token)[1]["results"]
    names = dict(site.sql("SELECT id, nickname FROM users_user"))
    assert {str(user["id"]): user["nickname"] for user in users} == {str(each): names[str(each)] for each in ids}
    followers = dict(site.sql("SELECT followee_id, COUNT(*) FROM social_follow GROUP BY followee_id"))
    posts = dict(site.sql("SELECT author_id, COUNT(*) FROM posts_post GROUP BY author_id"))
    for each in ids:
        found = counts[f"user:{each}"]
        wanted = int(followers.get(str(each), 0)), int(posts.get(str(each), 0))
        assert (found["followers"], found["posts"]) == wanted, json.dumps(found)
