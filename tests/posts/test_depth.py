"""On MariaDB, the rows that a page or a chunk of a removal reads do not grow with the table."""

import pytest
from django.db import connection

from jobs import deletion
from posts import removal
from posts.models import Comment, Favorite, Like, Post, newest_posts
from tests.support.budgets import rows_read
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.services]
MANY = 2_000
CHUNK = 20


@pytest.fixture
def many(alice, bob, post):
    """MANY posts by alice, bob's favourites; MANY users like, favourite and comment on the first post."""
    User.objects.bulk_create([User(id=10**6 + number, username=f"deep_{number}") for number in range(MANY)])
    people = "FROM users_user WHERE username LIKE 'deep%'"
    statements = [
        f"INSERT INTO posts_post (author_id, text, created_at, state) SELECT {alice.pk}, 'x', NOW(), 0 {people}",
        f"INSERT INTO posts_like (user_id, post_id, created_at) SELECT id, {post.pk}, NOW() {people}",
        f"INSERT INTO posts_favorite (user_id, post_id, created_at) SELECT id, {post.pk}, NOW() {people}",
        f"INSERT INTO posts_favorite (user_id, post_id, created_at) SELECT {bob.pk}, id, NOW() FROM posts_post",  # noqa: S608
        f"INSERT INTO posts_comment (post_id, author_id, text, created_at) SELECT {post.pk}, id, 'x', NOW() {people}",
        "ANALYZE TABLE posts_post, posts_like, posts_favorite, posts_comment",
    ]
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    return post


def rows_read_by(call) -> int:
    before = rows_read()
    call()
    return rows_read() - before


@pytest.mark.parametrize(
    "address", ["users/{alice}/posts", "posts/{post}/comments", "posts/{post}/likers", "favorites"]
)
def test_a_page(api, alice, bob, many, address):
    page = api.get(address.format(alice=alice.pk, post=many.pk), by=bob).json
    read = []
    for _ in range(90):
        address = page["next"]
        page = api.get(address, by=bob).json
        read.append(rows_read_by(lambda address=address: api.get(address, by=bob)))
    assert max(read) <= 45, read
    assert page["results"]


def test_the_newest_ids(alice, many):
    newest = Post.objects.order_by("-pk").values_list("pk", flat=True)[:5]
    Post.objects.filter(pk__in=list(newest)).update(state=Post.State.HIDDEN)
    assert rows_read_by(lambda: newest_posts.here().load([alice.pk])) <= newest_posts.newest + 2


def test_a_chunk(bob, many, monkeypatch):
    """Each row is read a few times: to find it, lock it, delete it."""
    monkeypatch.setattr(deletion, "CHUNK", CHUNK)
    removing = removal.removed_posts.delete(many.pk)
    for model in (Like, Favorite, Comment):
        left = model.objects.count()
        assert rows_read_by(lambda: next(removing)) <= 10 * CHUNK
        assert model.objects.count() == left - CHUNK
        monkeypatch.setattr(deletion, "CHUNK", MANY)
        next(removing)
        monkeypatch.setattr(deletion, "CHUNK", CHUNK)
