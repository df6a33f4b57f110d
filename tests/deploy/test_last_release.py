"""The code at hand and that of the last release serve side by side, on one database and one Redis.

Each endpoint is asked of both, by turns; tokens, cursors, claims and entries of the cache that one has made are good
for the other.
"""

import io
import itertools
import json
import signal
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config.environment import BASE_DIR
from devtools import servers
from launcher import embedded_redis
from tests.support.cast import PASSWORD
from tests.support.programs import WEB, Program, environment, run
from tests.support.short_form import SHORT
from tests.support.visitor import Outcome, Visitor

pytestmark = [pytest.mark.embedded, pytest.mark.sampled(4)]
LAST = "358ed5fad3d97622893b29141c55e5cde5f0e42e"  # what is deployed, until there is a tag
ON_ANY_DAY = {200, 201, 202, 204, 400, 404}
ROUNDS = 1 if SHORT else 4

POPUP = "from popups.models import Popup; Popup.objects.create(title='Hello')"
MAILED = """
import json
from django.conf import settings
from django.core import signing
from users import emails, password_changes
from users.models import User
user = User.objects.get(username="{name}")
state = emails._state(user, settings.SECRET_KEY)
confirmation = signing.dumps([user.pk, "{name}@example.com", state], salt=emails.SALT)
print("\\n" + json.dumps([password_changes._reset_token(user), confirmation]))
"""


def last_release() -> str:
    """Return the commit of the newest tag, or LAST; skip the test where the history does not have it."""
    tagged = git("describe", "--tags", "--abbrev=0", "--match", "v*")
    commit = tagged.stdout.decode().strip() or LAST
    if git("cat-file", "-e", f"{commit}^{{commit}}").returncode:
        pytest.skip(f"The history at hand is too short to contain the last release, {commit}.")
    return commit


def git(*arguments: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(["git", *arguments], cwd=BASE_DIR, capture_output=True, check=False)


class Site:
    """`ports` are those of the last release and of the code at hand; `trees` their folders."""

    def __init__(self, folder: Path, redis_port: int) -> None:
        (old := folder / "last").mkdir()
        with tarfile.open(fileobj=io.BytesIO(git("archive", last_release()).stdout)) as archive:
            archive.extractall(old, filter="data")
        self.trees, self._data = (old, BASE_DIR), folder / "data"
        self._values = {"DEBUG": "0", "HTTPS": "off", "SECRET_KEY": "tests-only-" + "x" * 50, "THROTTLES": "off",
                        "REDIS_URL": f"redis://127.0.0.1:{redis_port}/0"}  # fmt: skip
        done = run(("-m", "launcher.prepare"), environment(self._data, **self._values))
        assert done.returncode == 0, done.stderr
        self.shell(BASE_DIR, POPUP)
        self.webs = [Program(WEB, self._data, folder=tree, **self._values).wait_until_up() for tree in self.trees]
        self.ports = [web.port for web in self.webs]

    def shell(self, tree: Path, text: str) -> str:
        """Run Python by the code in a folder; return the last line of its output."""
        done = subprocess.run(
            [str(BASE_DIR / ".venv/bin/python"), "manage.py", "shell", "--no-imports"], input=text, cwd=tree,
            env=environment(self._data, **self._values), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return (done.stdout.strip().splitlines() or [""])[-1]

    def mailed(self, tree: Path, name: str) -> Any:
        """Return the tokens that would be mailed: to reset the password, and to confirm an address."""
        return json.loads(self.shell(tree, MAILED.format(name=name)))

    def end(self) -> None:
        for web in self.webs:
            web.end(signal.SIGTERM)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("releases")
    port, redis = servers.start_redis(embedded_redis.redis_server(), folder)
    site = Site(folder, port)
    yield site
    site.end()
    redis.kill()
    redis.wait()


class Wanderer(Visitor):
    """A visitor whose requests go to two servers by turns."""

    def __init__(self, ports: list[int], name: str) -> None:
        self._ports = itertools.cycle(ports)
        super().__init__(ports[0], name)

    def ask(self, method: str, path: str, body: Any = None, *, by: str | None = None) -> Outcome:
        self.move(next(self._ports))
        return super().ask(method, path, body, by=by)


def test_all_endpoints_by_turns(site):
    """By as many requests as each begins with the other one: what one writes the other reads."""
    for begin in (0, 1):
        visitor = Wanderer(site.ports[begin:] + site.ports[:begin], f"wanderer{begin}")
        for _ in range(ROUNDS):
            outcomes = [*visitor.round(), *visitor.accounts()]
            assert {each.status for each in outcomes} <= ON_ANY_DAY, outcomes
            assert visitor.ask("GET", "users/me").body == visitor.ask("GET", "users/me").body
        visitor.leave()


@pytest.mark.parametrize(("giver", "taker"), [(0, 1), (1, 0)], ids=["last to new", "new to last"])
def test_what_one_has_signed_the_other_accepts(site, giver, taker):
    name = f"signed{giver}"
    visitor = Visitor(site.ports[giver], name)
    shown = visitor.ask("GET", "popups/next?placement=home").body["popup"]
    texts = [visitor.ask("POST", "posts", {"text": f"Post {number}"}).body["id"] for number in range(4)]
    first = visitor.ask("GET", f"users/{visitor.ids['own']}/posts?limit=2")
    searched = visitor.ask("GET", "users/search?q=signed&limit=1")
    reset, confirmation = site.mailed(site.trees[giver], name)

    visitor.move(site.ports[taker])
    assert visitor.ask("GET", "users/me").status == 200
    for page in (first, searched):
        following = visitor.ask("GET", page.body["next"].partition("/api/v1/")[2])
        assert following.status == 200, following
        assert following.body["results"]
    assert [post["id"] for post in first.body["results"]] == texts[:1:-1]
    event = visitor.ask("POST", f"popups/{shown['id']}/events", {"claim": shown["claim"], "type": "click"})
    assert event.status == 202, event
    renewed = visitor.ask("POST", "auth/token/refresh", {"refresh": visitor.tokens["refresh"]}, by="")
    assert renewed.status == 200, renewed
    visitor.move(site.ports[giver])  # and back
    assert visitor.ask("GET", "users/me", by=renewed.body["access"]).status == 200
    visitor.move(site.ports[taker])
    assert visitor.ask("POST", "auth/email/confirm", {"token": confirmation}, by="").status in {200, 204}
    reset, _ = site.mailed(site.trees[giver], name)
    done = visitor.ask("POST", "auth/password/reset/confirm", {"token": reset, "password": PASSWORD}, by="")
    assert done.status in {200, 204}, done
    visitor.leave()


@pytest.mark.parametrize(("giver", "taker"), [(0, 1), (1, 0)], ids=["last to new", "new to last"])
def test_what_one_has_cached_and_the_other_changes(site, giver, taker):
    reader, writer = Visitor(site.ports[giver], f"reader{giver}"), Visitor(site.ports[taker], f"writer{giver}")
    own = writer.ids["own"]
    for number in range(20):
        assert writer.ask("PATCH", "users/me", {"nickname": f"No {number}"}).status == 200
        post = writer.ask("POST", "posts", {"text": f"No {number}"}).body["id"]
        assert reader.ask("PUT", f"posts/{post}/like").status == 200
        edge = "PUT" if number % 2 else "DELETE"
        assert writer.ask(edge, f"users/{reader.ids['own']}/follow").status == 200
        for visitor in (reader, writer):
            assert visitor.ask("GET", f"users/{own}").body["nickname"] == f"No {number}"
            assert visitor.ask("GET", f"users/{own}/posts?limit=1").body["results"][0]["id"] == post
            assert visitor.ask("GET", f"posts/{post}").body["counts"]["likes"] == 1
        (relation,) = reader.ask("GET", f"relationships?ids={own}").body["results"]
        assert relation["followed_by"] == (edge == "PUT"), relation
    for visitor in (reader, writer):
        visitor.leave()
