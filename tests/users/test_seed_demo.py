"""Demo users: created once, also if the command is repeated."""

import os
import pty
import sys
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from config.environment import BASE_DIR
from tests.support.cast import PASSWORD
from tests.support.programs import environment, run
from users.models import SearchTerm, User, UserState

pytestmark = pytest.mark.django_db(transaction=True)


def seed(**options) -> str:
    output = StringIO()
    with override_settings(DEBUG=True):
        call_command("seed_demo", stdout=output, **options)
    return output.getvalue()


def test_people_can_log_in_and_are_found(api):
    said = seed(users=300)
    assert "301 accounts added." in said
    assert "as admin" in said
    assert (User.objects.count(), UserState.objects.count()) == (301, 300)
    username = User.objects.order_by("pk")[1].username
    assert username in said
    token = api.post("auth/token", {"username": username, "password": "hotpath-demo"}).json["access"]
    assert api.get("users/search", by=token, query={"q": "小明"}).json["results"]
    assert api.get("users/search?q=smith", by=token).json["results"]
    assert User.objects.get(username="admin").is_superuser


def test_again_changes_nothing_and_more_adds_the_rest(api):
    seed(users=120)
    before = list(User.objects.order_by("pk").values())
    terms = SearchTerm.objects.count()
    assert "0 accounts added." in seed(users=120)
    assert list(User.objects.order_by("pk").values()) == before
    assert SearchTerm.objects.count() == terms
    assert "30 accounts added." in seed(users=150)
    assert list(User.objects.order_by("pk").values())[:121] == before


def test_a_negative_number_is_refused(db):
    with pytest.raises(CommandError, match="--users"):
        seed(users=-1)


def test_in_production_the_password_that_everybody_knows_is_refused(db, monkeypatch):
    with pytest.raises(CommandError, match="everybody knows"):
        call_command("seed_demo", users=1)
    for password, problem in (("hotpath-demo", "Everybody knows"), ("12345678", "too common"), ("", "no terminal")):
        monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", password)
        with pytest.raises(CommandError, match=problem):
            call_command("seed_demo", users=1, force=True)
    assert not User.objects.exists()


def test_by_force_the_administrator_has_a_password_of_ones_own(api, monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    output = StringIO()
    call_command("seed_demo", users=1, force=True, stdout=output)
    assert PASSWORD not in output.getvalue()
    for username in User.objects.values_list("username", flat=True):
        assert api.post("auth/token", {"username": username, "password": "hotpath-demo"}).status == 401
        assert api.post("auth/token", {"username": username, "password": PASSWORD}).status == 200


@pytest.mark.embedded
def test_by_force_at_a_terminal_the_password_is_asked_for_twice(tmp_path):
    env = environment(
        tmp_path / "data", DEBUG="0", SECRET_KEY=f"tests-only-{'x' * 50}", REDIS_URL="redis://127.0.0.1:1/0"
    )
    assert run(("manage.py", "migrate", "--verbosity=0"), env).returncode == 0
    said = {}
    for second in ("another-phrase-7", PASSWORD):
        program, terminal = pty.fork()
        if program == 0:
            os.chdir(BASE_DIR)
            os.execve(sys.executable, [sys.executable, "manage.py", "seed_demo", "--users=0", "--force"], env)  # noqa: S606
        said[second] = answer(terminal, PASSWORD, second)
        os.waitpid(program, 0)
    assert "The two passwords differ." in said["another-phrase-7"]
    assert "1 accounts added." in said[PASSWORD]
    assert PASSWORD not in "".join(said.values())


def answer(terminal: int, *answers: str) -> str:
    """Give each answer after a colon; return everything that the program has printed."""
    said, left = "", list(answers)
    while True:
        try:
            part = os.read(terminal, 1_000).decode()
        except OSError:  # the program has ended
            return said
        said += part
        if left and part.rstrip(" ").endswith(":"):
            os.write(terminal, f"{left.pop(0)}\n".encode())
