import shutil
import signal

import pytest

from tests.house.launcher import Program, environment, run


@pytest.fixture
def program(tmp_path):
    """program(command, **environment): a server program on data of its own, ended with the test."""
    started = []

    def start(command, **values) -> Program:
        started.append(Program(command, tmp_path / "data", **values))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.end(signal.SIGTERM)
    for each in started:
        assert each.until_gone() == {}


@pytest.fixture(scope="session")
def a_database(tmp_path_factory):
    """An SQLite file with all tables and one account."""
    data = tmp_path_factory.mktemp("somebody")
    env = environment(data, DJANGO_SUPERUSER_PASSWORD="a-long-enough-phrase", DJANGO_SUPERUSER_USERNAME="somebody")
    for command in (("migrate",), ("createsuperuser", "--noinput")):
        done = run(("manage.py", *command), env)
        assert done.returncode == 0, done.stderr
    return data / "hotpath.sqlite3"


@pytest.fixture
def inhabited(tmp_path, a_database):
    """The data that `program` starts on: without demo data to load, which takes most of a first start."""
    (tmp_path / "data").mkdir()
    shutil.copy(a_database, tmp_path / "data")
