"""The migrations create the tables and remove them, and make one of a user's equal reposts."""

import pytest
from django.core.management import call_command
from django.db import connection

from posts import removal, services
from posts.models import Post
from tests.posts.settled import ZEROS, drifts, post_counts, posts_of
from tests.support.empty_redis import empty_redis

pytestmark = pytest.mark.django_db(transaction=True)
TABLES = {"posts_post", "posts_removal", "posts_deletion", "posts_comment", "posts_like", "posts_favorite"}
INSERT_COPY = (
    "INSERT INTO posts_post (author_id, text, repost_of_id, created_at, state) "
    "SELECT author_id, text, repost_of_id, created_at, state FROM posts_post"
)
INSERT_DELTA = (
    "INSERT INTO counters_delta (kind, target_id, name, amount, created_at) "
    "SELECT %s, %s, %s, 1, created_at FROM posts_post"
)


def tables():
    return {name for name in connection.introspection.table_names() if name.startswith("posts_")}


def test_migrations_go_back_and_forth():
    assert tables() == TABLES
    try:
        call_command("migrate", "posts", "zero", verbosity=0)
        assert tables() == set()
    finally:
        call_command("migrate", verbosity=0)
    assert tables() == TABLES


def test_of_equal_reposts_the_oldest_stays(alice, bob, carol, post):
    oldest = services.publish(author_id=bob.pk, repost_of=post.pk)
    other = services.publish(author_id=carol.pk, repost_of=post.pk)
    quote = services.publish(author_id=bob.pk, text="Look", repost_of=post.pk)
    try:
        call_command("migrate", "posts", "0003", verbosity=0)
        with connection.cursor() as cursor:  # as a script may have written them, which counts what it writes
            cursor.execute(f"{INSERT_COPY} WHERE id = %s", [oldest.pk])
            for kind, target, name in (("post", post.pk, "reposts"), ("user", bob.pk, "posts")):
                cursor.execute(f"{INSERT_DELTA} WHERE id = %s", [kind, target, name, oldest.pk])
    finally:
        call_command("migrate", verbosity=0)
    empty_redis()
    assert (post_counts(post), posts_of(bob, carol)) == ([{**ZEROS, "reposts": 3}], [2, 1])
    assert [services.publish_once(author_id=each.pk, repost_of=post.pk)[1] for each in (bob, carol)] == [False, False]
    assert drifts() == []
    list(removal.removed_posts.sweep())
    assert set(Post.objects.values_list("pk", flat=True)) == {post.pk, oldest.pk, other.pk, quote.pk}
    assert drifts() == []


def test_code_from_before_inserts_and_removes_posts(alice, post):
    """It knows no column `plain_repost_of`."""
    with connection.cursor() as cursor:
        cursor.execute(INSERT_COPY)
    assert list(Post.objects.values_list("plain_repost_of", flat=True)) == [None, None]
