"""The peers give the answers of the API to all that a session asks for, before and after writes."""

import json
import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.request import Request, urlopen

import pytest

from counters import rollup
from loadtest.bench.peers import PEERS_SETTINGS
from loadtest.bench.web_server import run_web_server
from loadtest.load.accounts import log_in
from popups.models import Popup
from posts import services as posting
from ratings import services as rating
from social import services
from tests.loadtest.seeded_users import PASSWORD
from tests.support.threads import in_parallel

pytestmark = pytest.mark.sampled
ME, AUTHOR, FRIEND, BLOCKED = 1, 2, 3, 4


@pytest.fixture(scope="module", params=["orm", "cacheops", "cachalot"])
def peer_site(request, django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param != "orm":
        pytest.importorskip(request.param)
    variables = {
        "DJANGO_SETTINGS_MODULE": PEERS_SETTINGS, "PEER": request.param, "SERVER": "peers", "WEB_WORKERS": "1",
        "WEB_THREADS": "4",
    }  # fmt: skip
    with run_web_server({**os.environ, **variables}, tmp_path_factory.mktemp("peer") / "log") as server:
        yield f"http://127.0.0.1:{server.port}"


@pytest.fixture
def ask(peer_site: str, tokens: list[str]) -> Callable[..., Any]:
    """Send a request of the user ME to the peer, and return the document of the answer."""
    return partial(send_to, peer_site, tokens[ME - 1])


def send_to(peer_site: str, token: str, method: str, path: str, body: Any = None) -> Any:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(f"{peer_site}{path}", data, headers, method=method)) as answer:  # noqa: S310  our own
        text = answer.read()
        return json.loads(text) if text else None


@pytest.fixture
def posts() -> list[int]:
    """Posts of AUTHOR and BLOCKED, with likes, favourites and comments, and people with edges to ME."""
    for one, other in ((ME, AUTHOR), (FRIEND, ME), (ME, BLOCKED), (AUTHOR, FRIEND)):
        services.follow(follower_id=one, followee_id=other)
    written = [posting.publish(author_id=AUTHOR, text=f"Hello {number}").pk for number in range(18)]
    for post in written[-4:]:
        posting.like(user_id=ME, post_id=post)
        posting.add_favorite(user_id=ME, post_id=post - 2)
        posting.comment(post_id=post, author_id=FRIEND, text="So true")
        posting.comment(post_id=post, author_id=BLOCKED, text="哈哈哈")
    written.append(posting.publish(author_id=BLOCKED, text="Unseen").pk)
    services.block(blocker_id=BLOCKED, blocked_id=ME)
    rollup.roll_up_all()
    return written


def reads(posts: list[int]) -> list[str]:
    people = f"ids={AUTHOR},{BLOCKED},{FRIEND},7,{10**9}"
    ids = ",".join(map(str, [*posts[::-1], 10**12]))
    paths = [
        "users/me", f"users/{FRIEND}", f"users?{people}", f"users/profiles?{people}", f"relationships?{people}",
        f"counters?targets=user:2,post:{posts[-2]},post:{posts[0]},user:{FRIEND}", f"posts?ids={ids}",
        f"favorites/check?ids={ids}", f"users/{AUTHOR}/posts", f"posts/{posts[-2]}/comments", "feed",
    ]  # fmt: skip
    return [f"/api/v1/{path}" for path in paths]


def answers(ask: Callable[..., Any], paths: list[str]) -> dict[str, Any]:
    """Return the documents, with `next` and `previous` links only as whether there are any."""
    documents = {path: ask("GET", path) for path in paths}
    for document in documents.values():
        document.update({link: bool(document[link]) for link in ("next", "previous") if link in document})
    return documents


def test_reads_and_writes(ask, send, posts):
    paths = reads(posts)
    ours = answers(send, paths)
    for theirs in (answers(ask, paths), answers(ask, paths)):  # the second is cached
        for path in paths:
            assert theirs[path] == ours[path], path
    item = rating.publish(title="Tea house").pk
    writes = [
        ("PUT", f"posts/{posts[0]}/like", None), ("PUT", f"posts/{posts[1]}/favorite", None),
        ("PUT", "users/9/follow", None), *(("PUT", f"ratings/{item}/score", {"score": score}) for score in (9, 9, 2)),
    ]  # fmt: skip
    theirs = [ask(method, f"/api/v1/{path}", body) for method, path, body in writes]
    assert theirs[:3] == [
        {"id": posts[0], "liked": True, "favorited": False, "counts": counts(likes=1)},
        {"id": posts[1], "liked": False, "favorited": True, "counts": counts(favorites=1)},
        {"id": 9, "following": True, "followed_by": False, "mutual": False, "blocking": False, "blocked_by": False},
    ]
    assert theirs[-1] == send("PUT", f"/api/v1/ratings/{item}/score", {"score": 2})
    comment = ask("POST", f"/api/v1/posts/{posts[-2]}/comments", {"text": "Coffee first"})
    page = ask("GET", f"/api/v1/posts/{posts[-2]}/comments")
    assert page["results"][0] == comment == {**comment, "post": posts[-2], "text": "Coffee first"}
    marked = {post["id"]: (post["liked"], post["favorited"]) for post in ask("GET", paths[6])["results"]}
    assert (marked[posts[0]], marked[posts[1]]) == ((True, False), (False, True))
    assert ask("GET", "/api/v1/relationships?ids=9")["results"][0]["following"]


@pytest.mark.services
def test_first_scores_of_an_item_at_once_are_all_counted(peer_site, tokens, site):
    several = [*tokens, *(log_in(site, f"user{number}", PASSWORD) for number in range(3, 7))]
    for _ in range(8):
        item = rating.publish(title="Tea house").pk
        path, body = f"/api/v1/ratings/{item}/score", {"score": 7}
        in_parallel(*(partial(send_to, peer_site, token, "PUT", path, body) for token in several))
        assert send_to(peer_site, tokens[0], "PUT", path, body)["count"] == len(several)


def counts(**values: int) -> dict[str, int]:
    return dict.fromkeys(("likes", "comments", "reposts", "favorites"), 0) | values


def test_popups(ask, send):
    once, again = (
        Popup.objects.create(title="Hello", placement=placement, reshow_hours=hours).pk
        for placement, hours in (("home", 24), ("offer", 0))
    )
    home, offer = (f"/api/v1/popups/next?placement={placement}" for placement in ("home", "offer"))
    ours, theirs = send("GET", home)["popup"], ask("GET", home)["popup"]
    assert {**ours, "claim": ""} == {**theirs, "claim": ""}
    assert [ask("GET", home)["popup"], theirs["id"]] == [None, once]
    for _ in range(2):
        popup = ask("GET", offer)["popup"]
        ask("POST", f"/api/v1/popups/{again}/events", {"claim": popup["claim"], "type": "dismiss"})
        ask("POST", f"/api/v1/popups/{again}/events", {"claim": popup["claim"], "type": "dismiss"})
    assert popup["id"] == again
