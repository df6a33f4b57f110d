"""Who is visible to whom: a walk over every endpoint of the schema, with somebody in all relations who must not show.

`una` follows and is followed, writes, likes, comments and is kept as a favourite; everything of hers says "unseen". The
viewer is bob. An endpoint that is not in a table here fails the test.
"""

from functools import partial

import pytest
from rest_framework_simplejwt.tokens import AccessToken

from posts import removal
from posts import services as posts
from posts.models import Post
from social import services as graph
from social.models import Block, Follow
from tests.support import openapi_contract
from users.models import User, UserState
from users.services import delete_user, set_active

pytestmark = pytest.mark.django_db(transaction=True)
SHOWN, ABSENT = "shown", "absent"
# (path in the schema, address, what bob gets once una is gone, behind a block, and once una's post is hidden)
READS = [
    ("users", "users?ids={una},{alice}", ABSENT, SHOWN, SHOWN),
    ("users", "users?username=unseen_una", ABSENT, SHOWN, SHOWN),
    ("users/{user_id}", "users/{una}", 404, SHOWN, SHOWN),
    ("users/{user_id}", "users/{una}?fields=bio", 404, SHOWN, SHOWN),
    ("users/{user_id}/state", "users/{una}/state", 404, 403, SHOWN),
    ("users/profiles", "users/profiles?ids={una}", ABSENT, 403, SHOWN),
    ("users/profiles", "users/profiles?ids={una},{alice}", ABSENT, ABSENT, SHOWN),
    ("users/search", "users/search?q=unseen", ABSENT, ABSENT, SHOWN),
    ("users/{user_id}/followers", "users/{alice}/followers", ABSENT, ABSENT, SHOWN),
    ("users/{user_id}/followers", "users/{una}/followers", 404, 403, 200),
    ("users/{user_id}/following", "users/{alice}/following", ABSENT, ABSENT, SHOWN),
    ("users/{user_id}/following", "users/{una}/following", 404, 403, 200),
    ("users/me/friends", "users/me/friends", ABSENT, ABSENT, SHOWN),
    ("users/me/blocks", "users/me/blocks", ABSENT, 200, 200),
    ("relationships", "relationships?ids={una},{alice}", ABSENT, 200, 200),
    ("posts", "posts?ids={hers},{alices}", ABSENT, ABSENT, ABSENT),
    ("posts/{post_id}", "posts/{hers}", 404, 403, 404),
    ("posts/{post_id}/comments", "posts/{hers}/comments", 404, 403, 404),
    ("posts/{post_id}/comments", "posts/{alices}/comments", ABSENT, ABSENT, SHOWN),
    ("posts/{post_id}/comments", "posts/{bobs}/comments", ABSENT, SHOWN, SHOWN),
    ("posts/{post_id}/likers", "posts/{hers}/likers", 404, 403, 404),
    ("posts/{post_id}/likers", "posts/{alices}/likers", ABSENT, ABSENT, SHOWN),
    ("posts/{post_id}/likers", "posts/{bobs}/likers", ABSENT, ABSENT, SHOWN),
    ("users/{user_id}/posts", "users/{una}/posts", 404, 403, ABSENT),
    ("feed", "feed", ABSENT, ABSENT, ABSENT),
    ("favorites", "favorites", ABSENT, ABSENT, ABSENT),
    ("favorites/check", "favorites/check?ids={hers}", ABSENT, ABSENT, ABSENT),
]
# Reads that show nobody but the caller, and counters, which are raw.
ABOUT_NOBODY_ELSE = {
    "users/me",
    "users/me/sessions",
    "users/me/export",
    "ratings",
    "ratings/{item_id}",
    "popups/next",
    "counters",
}
# (path in the schema, method, address, body, the same three)
WRITES = [
    ("users/{user_id}/follow", "PUT", "users/{una}/follow", None, 404, 403, 200),
    ("users/{user_id}/follow", "DELETE", "users/{una}/follow", None, 404, 200, 200),
    ("users/{user_id}/follower", "DELETE", "users/{una}/follower", None, 404, 200, 200),
    ("posts/{post_id}/like", "PUT", "posts/{hers}/like", None, 404, 403, 404),
    ("posts/{post_id}/like", "DELETE", "posts/{hers}/like", None, 200, 200, 200),
    ("posts/{post_id}/favorite", "PUT", "posts/{hers}/favorite", None, 404, 403, 404),
    ("posts/{post_id}/favorite", "DELETE", "posts/{hers}/favorite", None, 200, 200, 200),
    ("posts/{post_id}/comments", "POST", "posts/{hers}/comments", {"text": "Hi"}, 404, 403, 404),
    ("posts", "POST", "posts", {"text": "Look", "repost_of": "hers"}, 404, 403, 404),
    ("posts", "POST", "posts", {"repost_of": "hers"}, 404, 403, 404),
    ("posts/{post_id}", "DELETE", "posts/{hers}", None, 404, 403, 404),
    ("comments/{comment_id}", "DELETE", "comments/{comment}", None, 204, 204, 204),
    ("users/{user_id}/block", "PUT", "users/{una}/block", None, 404, 200, 200),
    ("users/{user_id}/block", "DELETE", "users/{una}/block", None, 404, 200, 200),
]
GONE, BEHIND_A_BLOCK, HIDDEN = range(3)


@pytest.fixture
def una(new_user):
    user = new_user("unseen_una", nickname="Unseen Una", bio="unseen bio", email="unseen@example.com")
    UserState.objects.create_one(user_id=user.pk, status="busy", message="unseen message")
    return user


@pytest.fixture
def names(alice, bob, una):
    """The ids in the addresses, in a world in which una has every relation to alice and bob."""
    for one in (alice, bob):
        Follow.objects.create(follower=una, followee=one)
        Follow.objects.create(follower=one, followee=una)
    Block.objects.create(blocker=bob, blocked=una)  # beside the follows, which only the model's own rows can be
    hers, alices, bobs = (posts.publish(author_id=each.pk, text="Hello").pk for each in (una, alice, bob))
    Post.objects.filter(pk=hers).update(text="unseen post")
    Block.objects.all().delete()
    for post_id in (hers, alices, bobs):
        comment = posts.comment(post_id=post_id, author_id=una.pk, text="unseen comment")
        posts.like(user_id=una.pk, post_id=post_id)
    posts.like(user_id=bob.pk, post_id=hers)
    posts.add_favorite(user_id=bob.pk, post_id=hers)
    ids = {"alice": alice.pk, "bob": bob.pk, "una": una.pk}
    return ids | {"hers": hers, "alices": alices, "bobs": bobs, "comment": comment.pk}


def paths(*methods) -> set[str]:
    """Return the paths of the schema that have one of these methods."""
    described = openapi_contract.document()["paths"]
    found = {path for path, operations in described.items() if not operations.keys().isdisjoint(methods)}
    return {path.removeprefix("/api/v1/") for path in found if path.startswith("/api/v1/")}


def test_the_walk_knows_every_endpoint():
    assert {path for path, *_ in READS} | ABOUT_NOBODY_ELSE == paths("get")
    about_others = {(path, method) for method in ("put", "post", "delete", "patch") for path in paths(method)}
    about_others = {each for each in about_others if {"user_id", "post_id", "comment_id"} & set(_parameters(each[0]))}
    assert about_others <= {(path, method.lower()) for path, method, *_ in WRITES}


def _parameters(path: str) -> list[str]:
    return [part.strip("{}") for part in path.split("/") if part.startswith("{")]


def seen(api, address, bob, names) -> object:
    """Return SHOWN or ABSENT for an answer with or without una, her posts and her words; the status of another one."""
    answer = api.get(address.format(**names), by=bob)
    if answer.status != 200:
        assert answer.json["code"] == {404: "not_found", 403: "blocked"}[answer.status]
        return answer.status
    return SHOWN if _shows(answer, names) else ABSENT


def _shows(answer, names) -> bool:
    document = answer.json
    if "missing" in document:
        document = {"results": document["results"]}
    if set(document["results"] if isinstance(document.get("results"), dict) else ()):  # of checks: post ids
        return document["results"].get(str(names["hers"]), False)
    return b"unseen" in answer.bytes.lower() or any(map(partial(_is_hers, names), _objects(document)))


def _is_hers(names, each) -> bool:
    """Return whether an object of an answer is una, her state, the relationship to her, or a post of hers."""
    return each.get("id") == (names["hers"] if "author" in each else names["una"])


def _objects(node) -> list[dict]:
    """Return all JSON objects with an `id` in a document, but no comments."""
    if isinstance(node, dict):
        own = [node] if "id" in node and "post" not in node else []
        return own + [each for child in node.values() for each in _objects(child)]
    return [each for child in node for each in _objects(child)] if isinstance(node, list) else []


def hide_post(names, state=Post.State.HIDDEN):
    Post.objects.filter(pk=names["hers"]).update(state=state)


def set_una_active(names, *, active):
    set_active([names["una"]], active=active)


def block(names, blocker, blocked):
    Block.objects.create(blocker_id=names[blocker], blocked_id=names[blocked])


KINDS = {
    "deactivated": (GONE, partial(set_una_active, active=False), partial(set_una_active, active=True)),
    "being deleted": (GONE, lambda names: next(delete_user(names["una"])), None),
    "deleted": (GONE, lambda names: list(delete_user(names["una"])), None),
    "blocking": (BEHIND_A_BLOCK, partial(block, blocker="una", blocked="bob"), lambda _: Block.objects.all().delete()),
    "blocked": (BEHIND_A_BLOCK, partial(block, blocker="bob", blocked="una"), lambda _: Block.objects.all().delete()),
    "hidden": (HIDDEN, hide_post, partial(hide_post, state=Post.State.SHOWN)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_shows_who_must_not(api, bob, names, kind):
    """Before and after, the same answers show una: a walk that finds nobody is no proof."""
    column, hide, show = KINDS[kind]
    addresses = [(address, expected[column]) for _, address, *expected in READS]
    before = [seen(api, address, bob, names) for address, _ in addresses]
    for (address, expected), was in zip(addresses, before, strict=True):
        assert was == SHOWN or expected in (200, 404, 403) or address == "users/me/blocks", address
    hide(names)
    for address, expected in addresses:
        found = seen(api, address, bob, names)
        assert found == expected or (expected == 200 and found in (SHOWN, ABSENT)), (address, found)
    if show is not None:
        show(names)
        assert [seen(api, address, bob, names) for address, _ in addresses] == before


def test_the_caller_s_blocks_are_there_until_the_account_is_gone(api, alice, bob, una):
    for one in (alice, una):
        graph.block(blocker_id=bob.pk, blocked_id=one.pk)
    assert [each["id"] for each in api.get("users/me/blocks", by=bob).json["results"]] == [una.pk, alice.pk]
    assert api.get("users/me/blocks", by=una).json["results"] == []
    set_active([una.pk], active=False)
    assert [each["id"] for each in api.get("users/me/blocks", by=bob).json["results"]] == [alice.pk]


@pytest.mark.parametrize("kind", ["deactivated", "blocking", "blocked", "hidden"])
def test_what_may_be_written(api, bob, names, kind):
    column, hide, _ = KINDS[kind]
    Follow.objects.filter(follower_id=bob.pk).delete()
    hide(names)
    for _, method, address, body, *expected in WRITES:
        sent = {**body, "repost_of": names["hers"]} if body and "repost_of" in body else body
        before = (Follow.objects.count(), Block.objects.count(), Post.objects.count())
        answer = api.request(method, address.format(**names), sent, by=bob)
        assert answer.status == expected[column], (method, address, answer)
        if answer.status in (403, 404):
            assert (Follow.objects.count(), Block.objects.count(), Post.objects.count()) == before


def test_counts_are_raw(api, bob, names, una):
    address = "counters?targets=post:{alices},user:{alice},user:{una}".format(**names)
    before = api.get(address, by=bob).json
    set_active([una.pk], active=False)
    assert api.get(address, by=bob).json == before
    assert before["results"][f"post:{names['alices']}"] == {"likes": 1, "comments": 1, "reposts": 0, "favorites": 0}


def test_activated_again_all_is_back_but_no_token(api, bob, names, una):
    token = str(AccessToken.for_user(una))
    assert api.get("users/me", by=token).status == 200
    set_active([una.pk], active=False)
    set_active([una.pk], active=True)
    assert api.get("users/me", by=token).status == 401
    assert api.get(f"users/{una.pk}/followers", by=bob).status == 200
    assert User.objects.filter(pk=una.pk, is_active=True).exists()
    list(removal.removed_posts.sweep())
