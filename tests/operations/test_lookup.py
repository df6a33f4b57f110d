"""Every kind of entry is found by words, and compared with the database."""

import pytest
from django.db import connection

from caching.api import atomic_write, redis_client
from caching.operate import warm
from operations import kinds, lookup
from posts import services as posts
from ratings import services as ratings
from ratings.models import Item
from social import services as social
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("empty_cache_without_throttles")]
PAGE = "/admin/operations/"
OF_THE_TESTS = ("testapp.", "counters of book", "counters of reader", "counters of author")
NOWHERE = (
    "nonsense", "users.User x", "is 7 following x", "<script>alert(1)</script>", "user:0", "\0",
    "counters of user 99999999999999999999", "users.User " + "9" * 200,
)  # fmt: skip


def entry(words, *, warmed=False):
    (asked,) = kinds.understood(words)
    if warmed:
        warm(asked.question())
    return lookup.look_up(asked)


@pytest.fixture
def everything(alice, bob):
    """Return the words of an entry of each kind that has something to say."""
    social.follow(follower_id=alice.pk, followee_id=bob.pk)
    post = posts.publish(author_id=alice.pk, text="Hello")
    comment = posts.comment(post_id=post.pk, author_id=bob.pk, text="Hi")
    posts.like(post_id=post.pk, user_id=bob.pk)
    posts.add_favorite(post_id=post.pk, user_id=bob.pk)
    item = Item.objects.create_one(title="Tea")
    ratings.rate(item_id=item.pk, user_id=alice.pk, score=8)
    a, b = alice.pk, bob.pk
    return {
        f"users.User {a}": "alice", f"users.User username={alice.username}": str(a), f"users.UserState {a}": "",
        f"posts.Post {post.pk}": "Hello", f"posts.Comment {comment.pk}": "Hi", f"ratings.Item {item.pk}": "Tea",
        f"is {a} following {b}": "True", f"is {b} followers {a}": "True", f"newest_followers of {b}": str(a),
        f"newest_following of {a}": str(b), f"followed of {a}": str(b), f"is {a} blocking {b}": "False",
        f"is {b} blocked_by {a}": "False", f"posts of user {a}": str(post.pk),
        f"newest_comments of post {post.pk}": str(comment.pk), f"newest_likes of {post.pk}": str(b),
        f"is {b} liked {post.pk}": "True", f"newest_favorites of {b}": str(post.pk),
        f"is {b} favorited {post.pk}": "True", f"my_scores of {a} for {item.pk}": "8",
        f"counters of user {a}": "1", f"post:{post.pk}": "1", f"counters of rating {item.pk}": "8",
    }  # fmt: skip


def test_every_kind_is_found_and_agrees(everything):
    shown = {}
    for words, said in everything.items():
        warmed = entry(words, warmed=True)
        assert all(line.cached == line.stored for line in warmed.lines), words
        assert warmed.verdict == "good", (words, warmed)
        assert not said or said in " ".join(line.stored for line in warmed.lines), words
        shown[kinds.understood(words)[0].kind.label] = warmed
    own = {label for label in kinds.all_kinds() if not label.startswith(OF_THE_TESTS)}
    assert shown.keys() == own
    assert len({found.key for found in shown.values()}) == len(shown)


def spoil(*columns, table, where):
    """Change rows behind the cache's back."""
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {', '.join(columns)} WHERE {where}")  # noqa: S608


def test_what_differs_is_named(everything, alice, bob):
    words = [f"users.User {alice.pk}", f"is {alice.pk} following {bob.pk}", f"counters of user {alice.pk}"]
    for each in words:
        entry(each, warmed=True)
    spoil("city = 'Ulm'", table="users_user", where=f"id = {alice.pk}")
    spoil("followee_id = follower_id", table="social_follow", where=f"follower_id = {alice.pk}")
    row, follows, counters = map(entry, words)
    assert (row.verdict, [line.name for line in row.lines if line.is_different]) == ("bad", ["city"])
    assert (follows.verdict, {line.name for line in follows.lines if line.is_different}) == (
        "bad", {str(alice.pk), str(bob.pk)},
    )  # fmt: skip
    assert counters.verdict == "bad"
    assert "drifted" in counters.text


def test_holds_and_leases_are_told(alice):
    key = entry(f"users.User {alice.pk}").key
    with atomic_write("default"):
        User.objects.filter(pk=alice.pk).update(city="Ulm")
        assert "held by 1 writers" in dict(entry(f"users.User {alice.pk}").facts)["State"]
    redis_client().set(key, b"L0123456789abcdef", px=3_000)
    assert dict(entry(f"users.User {alice.pk}").facts)["State"] == "a reader is loading it"
    redis_client().set(key, b"Vnonsense")
    assert "counts as absent" in dict(entry(f"users.User {alice.pk}").facts)["State"]


def test_personal_values_are_masked(operator, alice):
    User.objects.filter(pk=alice.pk).update(phone="+49 151 1234567", birthday="1999-04-01")
    page = operator.get(PAGE, {"words": f"users.User {alice.pk}"}).content.decode()
    assert "alice" in page
    assert "••• (17 characters)" in page
    for secret in ("alice@example.com", "+49 151", "1999-04-01", "argon2"):
        assert secret not in page


@pytest.mark.parametrize("words", NOWHERE)
def test_words_that_lead_nowhere_are_told(operator, words):
    page = operator.get(PAGE, {"words": words})
    assert page.status_code == 200
    assert b"<script>alert" not in page.content


def test_words_with_several_meanings_become_links(operator):
    page = operator.get(PAGE, {"words": "likes of 7"}).content.decode()
    assert "That may be:" in page
    assert "words=posts.newest_likes%20of%207" in page
    assert "words=posts.liked%20of%207" in page
