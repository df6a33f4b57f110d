"""`manage.py check --deploy` is clean with the settings of production, and warns of those that open a door."""

import pytest

from tests.support.programs import environment, run

pytestmark = pytest.mark.embedded
PRODUCTION = {
    "DEBUG": "0",
    "EMAIL_URL": "smtp://mail.example",
    "SECRET_KEY": "tests-only-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKL",
}
CHECK = ("manage.py", "check", "--deploy", "--fail-level", "WARNING")


@pytest.mark.parametrize(
    ("values", "warning"),
    [({}, ""), ({"THROTTLES": "off"}, "users.W002"), ({"ALLOWED_HOSTS": "a.example,*"}, "users.W003")],
)
def test_deploy(tmp_path, values, warning):
    checked = run(CHECK, environment(tmp_path / "data", **PRODUCTION, **values))
    assert (checked.returncode == 0) == (not warning), checked.stderr
    assert warning in checked.stderr
