"""Posts, and what users add to them."""

from django.db import models
from django.utils import timezone

from loadtest.baselines.peers.models.people import Table, User

SHOWN = 0  # the state of a post that is neither hidden nor being deleted


class Post(Table):
    """A post, or a repost of another one."""

    author = models.ForeignKey(User, models.DO_NOTHING, related_name="+")
    text = models.TextField()
    repost_of = models.ForeignKey("self", models.DO_NOTHING, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    state = models.PositiveSmallIntegerField(default=SHOWN)

    class Meta(Table.Meta):
        db_table = "posts_post"


class Comment(Table):
    """A comment of a user on a post."""

    post = models.ForeignKey(Post, models.DO_NOTHING, related_name="+")
    author = models.ForeignKey(User, models.DO_NOTHING, related_name="+")
    text = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta(Table.Meta):
        db_table = "posts_comment"


class Mark(Table):
    """What a user has added to a post."""

    user = models.ForeignKey(User, models.DO_NOTHING, related_name="+")
    post = models.ForeignKey(Post, models.DO_NOTHING, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta(Table.Meta):
        abstract = True


class Like(Mark):
    """A like of a user for a post."""

    class Meta(Table.Meta):
        db_table = "posts_like"


class Favorite(Mark):
    """A post among the user's favourites."""

    class Meta(Table.Meta):
        db_table = "posts_favorite"
