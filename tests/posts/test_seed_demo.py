"""Demo posts: created once, counted at once, never between users who block each other."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import override_settings

from counters import reconcile
from posts import demo
from posts.models import HOME_PAGE, Comment, Favorite, Like, Post

pytestmark = pytest.mark.django_db(transaction=True)
ACROSS_A_BLOCK = """
    SELECT COUNT(*) FROM posts_like l JOIN posts_post p ON p.id = l.post_id JOIN social_block b
    ON (b.blocker_id = l.user_id AND b.blocked_id = p.author_id)
    OR (b.blocked_id = l.user_id AND b.blocker_id = p.author_id)
"""


def seed(users: int) -> str:
    output = StringIO()
    with override_settings(DEBUG=True):
        call_command("seed_demo", users=users, stdout=output)
    return output.getvalue()


def rows() -> list:
    return [list(model.objects.order_by("pk").values()) for model in (Post, Like, Favorite, Comment)]


def test_a_few_wrote_pages_and_most_wrote_little():
    authors = [each.author for each in demo.posts(3_000)]
    assert max(map(authors.count, set(authors))) > 2 * HOME_PAGE
    assert len(set(authors)) > 500
    assert list(demo.posts(300)) == [each for each in demo.posts(700) if each.author < 300]


def test_everything_is_counted_and_again_changes_nothing(api):
    assert f"{len(list(demo.posts(300)))} posts added." in seed(300)
    before = rows()
    assert all(before)
    with connection.cursor() as cursor:
        cursor.execute(ACROSS_A_BLOCK)
        assert cursor.fetchone()[0] == 0
    assert [d for kind in ("post", "user") for chunk in reconcile.run(kind, mend=False) for d in chunk.drifts] == []
    assert "0 posts added." in seed(300)
    assert rows() == before
    seed(330)
    assert [now[: len(then)] for now, then in zip(rows(), before, strict=True)] == before
    author = Post.objects.first().author
    assert api.get(f"users/{author.pk}/posts", by=author).json["results"]
