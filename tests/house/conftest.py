import signal

import pytest

from tests.house.launcher import Program


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
