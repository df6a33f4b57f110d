"""The page while a server is dead or hangs: it answers within seconds, and shows what the others tell."""

import os
import signal
import threading

import pytest

from devtools import servers
from launcher import embedded_redis
from tests.operations.browser import PAGE, Browser, install
from tests.support.programs import WEB

AT_MOST_S = 5.0
OWN = {"DEBUG": "0", "HTTPS": "off", "SECRET_KEY": "tests-only-" + "x" * 50, "WEB_THREADS": "2"}


@pytest.fixture
def redis(tmp_path):
    port, process = servers.start_redis(embedded_redis.redis_server(), tmp_path)
    yield port, process
    process.kill()
    process.wait()


def assert_shown(page, *texts, status=200):
    assert page.status == status, page.text[:2_000]
    assert page.took_s < AT_MOST_S
    for text in texts:
        assert text in page.text


@pytest.mark.embedded
def test_redis_hangs_and_dies(program, redis, tmp_path):
    port, process = redis
    values = {**OWN, "REDIS_URL": f"redis://127.0.0.1:{port}/0"}
    install(tmp_path / "data", **values)
    web = program(WEB, **values).wait_until_up()
    browser = Browser(web).log_in()
    assert_shown(browser.get(PAGE), "SQLite", "answers", f"Redis 127.0.0.1:{port}")
    os.kill(process.pid, signal.SIGSTOP)
    assert_shown(browser.get(f"{PAGE}?words=users.User+1"), "SQLite", "Redis cannot be asked", "root")
    os.kill(process.pid, signal.SIGCONT)
    process.kill()
    process.wait()
    assert_shown(browser.get(f"{PAGE}?words=users.User+1"), "SQLite", "Redis cannot be asked", "root")
    assert_shown(browser.get(f"{PAGE}now"), "Connection refused")


@pytest.mark.embedded
def test_the_database_is_away(program, redis, tmp_path):
    values = {**OWN, "REDIS_URL": f"redis://127.0.0.1:{redis[0]}/0"}
    data = tmp_path / "data"
    install(data, **values)
    web = program(WEB, **values).wait_until_up()
    browser, unknown = Browser(web).log_in(), Browser(web).log_in()
    browser.get(f"{PAGE}?words=users.User+1")
    for file in data.glob("*.sqlite3*"):
        file.rename(f"{file}.away")
    (data / "hotpath.sqlite3").mkdir()
    try:
        assert_shown(browser.get(f"{PAGE}?words=users.User+1"), "not verified", "unable to open", "Redis 127.0.0.1:")
        assert_shown(unknown.get(PAGE), "The database does not answer", "/readyz", status=503)
    finally:
        (data / "hotpath.sqlite3").rmdir()
        for file in data.glob("*.away"):
            file.rename(str(file).removesuffix(".away"))
    assert "not verified" not in browser.get(PAGE).text


@pytest.mark.services
def test_the_database_hangs_and_all_threads_wait_for_it(program, redis, tmp_path):
    import MySQLdb  # only where MariaDB is

    folder = tmp_path / "own"
    folder.mkdir()
    port, process = servers.start_mariadb(folder)
    with MySQLdb.connect(host="127.0.0.1", port=port, user="root").cursor() as cursor:
        cursor.execute("CREATE DATABASE hotpath CHARACTER SET utf8mb4")
    url = f"mysql://root@127.0.0.1:{port}/hotpath"
    values = {**OWN, "REDIS_URL": f"redis://127.0.0.1:{redis[0]}/0", "DATABASE_URL": url}
    install(tmp_path / "data", **values)
    web = program(WEB, **values).wait_until_up()
    browser = Browser(web).log_in()
    assert_shown(browser.get(PAGE), "MariaDB", "answers")
    os.kill(process.pid, signal.SIGSTOP)
    others = [threading.Thread(target=browser.get, args=["/admin/"], daemon=True) for _ in range(3)]
    for other in others:
        other.start()
    assert_shown(browser.get(PAGE), "not verified", "No answer within", "Redis 127.0.0.1:", "good")
    for _ in range(2):  # by then the attempt to connect may have been given up
        assert_shown(browser.get(PAGE), "not verified", "Redis 127.0.0.1:", "good")
    os.kill(process.pid, signal.SIGKILL)
    for other in others:
        other.join(40)
    assert_shown(browser.get(PAGE), "not verified", "Redis 127.0.0.1:")
    for path in ("/admin/", "/admin/users/user/"):
        assert_shown(browser.get(path), "The database does not answer", status=503)
    assert web.log.read_text().count("The database cannot be reached") == 1
    assert "Traceback" not in web.log.read_text()
