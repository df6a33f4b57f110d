"""A program that fails says why, wherever tests start it: its folder is gone when somebody reads of it."""

import pytest

from devtools.programs import ProgramFailed, output_of
from devtools.servers import free_port, start_process

pytestmark = pytest.mark.embedded

FAILS = ["sh", "-c", "echo this; echo that >&2; exit 3"]


def test_a_program_that_runs_to_its_end():
    assert output_of(["sh", "-c", "cat; echo that >&2"], input="this") == "this"
    with pytest.raises(ProgramFailed, match=r"status 3.\nthis\nthat\n"):
        output_of(FAILS)


def test_a_server_that_does_not_start(tmp_path):
    with pytest.raises(SystemExit, match=r"sh ended at once with status 3.\nthis\nthat"):
        start_process(FAILS, free_port(), tmp_path / "log")
