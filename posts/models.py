"""Posts, and the comments, likes and favourites that users add to them."""

from typing import ClassVar

from django.core.validators import MinLengthValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from api.model_fields import MultilineField
from caching.api import Cached, CachedModel, EdgeModel, IdList, IdSet
from users.models import User

HOME_PAGE = 15
TEXT_LENGTH, COMMENT_LENGTH = 2_000, 1_000


class Post(CachedModel):
    """A post, or a repost of another post with its own text."""

    class State(models.IntegerChoices):
        SHOWN = 0
        HIDDEN = 1, "hidden by the staff"
        REMOVED = 2, "being deleted"

    id = models.BigAutoField(primary_key=True)
    author = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    text = MultilineField(max_length=TEXT_LENGTH, validators=[MinLengthValidator(1)])
    repost_of = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    state = models.PositiveSmallIntegerField(choices=State, default=State.SHOWN, db_default=State.SHOWN)
    cached: ClassVar = Cached(since="created_at")

    class Meta(CachedModel.Meta):
        indexes = [
            models.Index(fields=["author", "state", "id"], name="posts_post_home_page"),
            models.Index(fields=["state"], name="posts_post_state"),  # the staff looks for the few that are hidden
        ]

    def __str__(self) -> str:
        return f"{self.pk}: {self.text[:40]}"


class Removal(models.Model):
    """The mark of a removed post, by which `sweep_removed` finds it without a scan of all posts."""

    post = models.OneToOneField(Post, models.CASCADE, primary_key=True, related_name="+")

    def __str__(self) -> str:
        return str(self.post_id)


class Deletion(models.Model):
    """A record of what a user has deleted, so that a repeated request gets the same answer instead of a 404."""

    class Kind(models.IntegerChoices):
        POST = 1
        COMMENT = 2

    id = models.BigAutoField(primary_key=True)
    # No constraint: the record must not fail for a user who is deleted meanwhile.
    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    kind = models.PositiveSmallIntegerField(choices=Kind)
    target_id = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "kind", "target_id"], name="posts_deletion_by")]

    def __str__(self) -> str:
        return f"{self.user_id} deleted {self.get_kind_display()} {self.target_id}"


class Comment(EdgeModel):
    """A comment of a user on a post."""

    id = models.BigAutoField(primary_key=True)
    post = models.ForeignKey(Post, models.CASCADE, related_name="+", db_index=False)
    author = models.ForeignKey(User, models.CASCADE, related_name="+")
    text = MultilineField(max_length=COMMENT_LENGTH, validators=[MinLengthValidator(1)])
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(EdgeModel.Meta):
        indexes = [models.Index(fields=["post", "id"], name="posts_comment_page")]

    def __str__(self) -> str:
        return f"{self.author_id} on {self.post_id}: {self.text[:40]}"


class Like(EdgeModel):
    """A like of a user for a post."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    post = models.ForeignKey(Post, models.CASCADE, related_name="+", db_index=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(EdgeModel.Meta):
        constraints = [models.UniqueConstraint(fields=["user", "post"], name="posts_like_pair")]
        indexes = [models.Index(fields=["post", "id"], name="posts_like_likers_page")]

    def __str__(self) -> str:
        return f"{self.user_id} likes {self.post_id}"


class Favorite(EdgeModel):
    """A post in the user's own list of favourites."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    post = models.ForeignKey(Post, models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(EdgeModel.Meta):
        constraints = [models.UniqueConstraint(fields=["user", "post"], name="posts_favorite_pair")]
        indexes = [models.Index(fields=["user", "id"], name="posts_favorite_page")]

    def __str__(self) -> str:
        return f"{self.user_id} keeps {self.post_id}"


# One id more than a page, to know whether there is a next page.
newest_posts = IdList(Post, owner="author", newest=HOME_PAGE + 1, where=Q(state=Post.State.SHOWN))
liked = IdSet(Like, owner="user", member="post")
favorited = IdSet(Favorite, owner="user", member="post")
