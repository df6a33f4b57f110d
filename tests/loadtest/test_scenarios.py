"""The locust scenarios run against a live server without failures."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from django.core.management import call_command

from counters import reconcile
from loadtest.load.session_mix import WEIGHTS
from popups.models import Event, Popup
from posts.models import Comment, Favorite, Like, Post
from ratings.models import Score
from social.models import Block, Follow
from tests.loadtest.seeded_users import USER_COUNT

pytestmark = [pytest.mark.embedded, pytest.mark.sampled]  # the scenarios are tested, not the database
CLIENTS = 8
PROJECT = Path(__file__).parents[2]
USERS = {
    ("GET", "users/{id}"), ("GET", "users?ids={feed}"), ("GET", "users/{id}/state"), ("GET", "users/me"),
    ("GET", "users?username={name}"), ("GET", "users/search?q={beginning}"), ("PATCH", "users/me"),
    ("PATCH", "users/me/state"),
}  # fmt: skip
SOCIAL = {
    ("GET", "users/profiles?ids={feed}"), ("GET", "relationships?ids={feed}"), ("GET", "counters?targets={feed}"),
    ("GET", "users/{id}/followers"), ("GET", "users/{id}/following"), ("GET", "users/me/friends"),
    ("PUT", "users/{id}/follow"), ("DELETE", "users/{id}/follow"), ("PUT", "users/{id}/block"),
    ("DELETE", "users/{id}/block"),
}  # fmt: skip
POSTS = {
    ("GET", "users/{id}/posts"), ("GET", "posts?ids={feed}"), ("GET", "favorites/check?ids={feed}"),
    ("GET", "posts/{id}"), ("GET", "posts/{id}/comments"), ("GET", "posts/{id}/likers"), ("GET", "favorites"),
    ("PUT", "posts/{id}/like"), ("DELETE", "posts/{id}/like"), ("PUT", "posts/{id}/favorite"),
    ("DELETE", "posts/{id}/favorite"), ("POST", "posts/{id}/comments"), ("DELETE", "comments/{id}"), ("POST", "posts"),
    ("DELETE", "posts/{id}"),
}  # fmt: skip
RATINGS = {
    ("GET", "ratings?ids={feed}"), ("GET", "ratings/{id}"), ("PUT", "ratings/{id}/score"),
    ("DELETE", "ratings/{id}/score"), ("POST", "ratings"),
}  # fmt: skip
SESSION = {
    ("POST" if kind.startswith("POST") or kind.endswith("/events") else "PUT" if weight < 1 else "GET",
     kind.removeprefix("POST "))
    for kind, weight in WEIGHTS.items()
} | {("POST", "posts"), ("POST", "ratings")}  # fmt: skip
POPUPS = {("GET", "popups/next"), ("POST", "popups/{id}/events")}


def locust(scenario: str, options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "locust", "-f", f"loadtest/load/{scenario}.py", "--headless", "--json"]
    return subprocess.run([*command, *options.split()], cwd=PROJECT, capture_output=True, text=True, timeout=120)


def failures(scenario: str, site: str, expected: set[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Run a scenario; return the number of failures of each kind of request. Some of the requested ids have no user."""
    options = f"--host {site} -u {CLIENTS} -r {CLIENTS} --accounts 3 --think 0.01 --largest-id {USER_COUNT + 20}"
    for time_s in (4, 12, 36):  # on a busy machine, logging in may take all of the shortest time
        run = locust(scenario, f"{options} -t {time_s}s")
        assert run.returncode == 0, run.stderr[-2000:]
        failed = {(each["method"], each["name"]): each["num_failures"] for each in json.loads(run.stdout)}
        if failed.keys() == expected or any(failed.values()):
            break
    return failed


def test_users(site):
    assert failures("users", site, USERS) == dict.fromkeys(USERS, 0)


def test_social(site):
    assert failures("social", site, SOCIAL) == dict.fromkeys(SOCIAL, 0)
    assert Follow.objects.exists()
    assert [chunk.drifts for chunk in reconcile.run("user", mend=False)] == [[]]
    assert Block.objects.count() <= CLIENTS  # each client unblocks at once, unless the run ends in between


def test_posts(site):
    assert failures("posts", site, POSTS) == dict.fromkeys(POSTS, 0)
    assert {Post.objects.exists(), Like.objects.exists(), Favorite.objects.exists(), Comment.objects.exists()} == {True}
    assert [chunk.drifts for kind in ("post", "user") for chunk in reconcile.run(kind, mend=False)] == [[], []]


def test_ratings(site):
    assert failures("ratings", site, RATINGS) == dict.fromkeys(RATINGS, 0)
    assert Score.objects.exists()
    assert [chunk.drifts for chunk in reconcile.run("rating", mend=False)] == [[]]


def test_popups(site):
    for placement in ("home", "profile"):
        Popup.objects.create(title="Hello", placement=placement, reshow_hours=1 / 7_200, click_cooldown_hours=1 / 3_600)
    assert failures("popups", site, POPUPS) == dict.fromkeys(POPUPS, 0)
    call_command("drain_popup_events", once=True)
    kinds = Counter(Event.objects.values_list("type", flat=True))
    assert kinds["shown"] > kinds["click"] + kinds["dismiss"] > 0


def test_sessions(site):
    for placement, hours in (("home", 24), ("offer", 0)):
        Popup.objects.create(title="Hello", placement=placement, reshow_hours=hours)
    assert failures("session", site, SESSION) == dict.fromkeys(SESSION, 0)


@pytest.mark.parametrize("scenario", ["users", "social", "posts", "ratings", "popups", "session"])
def test_without_a_server(scenario):
    run = locust(scenario, "--host http://127.0.0.1:9 -u 3 -t 20s")
    assert run.returncode == 1
    assert "No account, no test" in run.stderr
