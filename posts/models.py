"""Posts, and the comments, likes and favourites that users add to them."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MinLengthValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from api.cursors import PAGE
from api.model_fields import MultilineField
from caching.api import Cached, CachedManager, CachedModel, CachedQuerySet, EdgeList, EdgeModel, IdList, IdSet
from posts.shown_favorites import ShownFavorites
from users.models import User

HOME_PAGE = 15
TEXT_LENGTH, COMMENT_LENGTH = 2_000, 1_000


class PostQuerySet(CachedQuerySet):
    """Keeps `plain_repost_of` right in writes of many rows."""

    def update(self, **changes: Any) -> int:
        if changes.get("text") or changes.get("state") == Post.State.REMOVED:
            changes.setdefault("plain_repost_of", None)
        return super().update(**changes)


class PostManager(CachedManager.from_queryset(PostQuerySet)):  # type: ignore[misc]
    """The manager of posts."""


class Post(CachedModel):
    """A post, or a repost of another post, with a text of its own (a quote) or without.

    `plain_repost_of` is the id of the original of a repost without text, unless this is removed: each user has at most
    one. It is no foreign key, because adding one locks the table.
    """

    class State(models.IntegerChoices):
        SHOWN = 0
        HIDDEN = 1, "hidden by the staff"
        REMOVED = 2, "being deleted"

    id = models.BigAutoField(primary_key=True)
    author = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    text = MultilineField(max_length=TEXT_LENGTH, blank=True)
    repost_of = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="+")
    plain_repost_of = models.BigIntegerField(null=True, default=None, db_default=None, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    state = models.PositiveSmallIntegerField(choices=State, default=State.SHOWN, db_default=State.SHOWN)
    cached: ClassVar = Cached(since="created_at", never=("plain_repost_of",), remembered=8_192)
    objects: ClassVar = PostManager()

    class Meta(CachedModel.Meta):
        indexes = [
            models.Index(fields=["author", "state", "id"], name="posts_post_home_page"),
            models.Index(fields=["state"], name="posts_post_state"),  # the staff looks for the few that are hidden
        ]
        constraints = [models.UniqueConstraint(fields=["author", "plain_repost_of"], name="posts_post_plain_repost")]

    def __str__(self) -> str:
        return f"{self.pk}: {self.text[:40]}"

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **options: Any) -> None:
        if update_fields is None or not {"text", "state", "repost_of"}.isdisjoint(update_fields):
            is_plain = not self.text and self.state != self.State.REMOVED
            self.plain_repost_of = self.repost_of_id if is_plain else None
            update_fields = None if update_fields is None else {*update_fields, "plain_repost_of"}
        super().save(*args, update_fields=update_fields, **options)

    def clean(self) -> None:
        """Raise ValidationError for a text that is taken away."""
        if not self.text and self.plain_repost_of is None:
            raise ValidationError({"text": "This field is required."})


class Removal(models.Model):
    """The mark of a removed post, by which `sweep_removed` finds it without a scan of all posts."""

    post = models.OneToOneField(Post, models.CASCADE, primary_key=True, related_name="+")
    marked_at = models.DateTimeField(null=True, default=timezone.now)  # null: by the release before

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


class Comment(CachedModel):
    """A comment of a user on a post."""

    id = models.BigAutoField(primary_key=True)
    post = models.ForeignKey(Post, models.CASCADE, related_name="+", db_index=False)
    author = models.ForeignKey(User, models.CASCADE, related_name="+")
    text = MultilineField(max_length=COMMENT_LENGTH, validators=[MinLengthValidator(1)])
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    cached: ClassVar = Cached(negative_ttl_s=0)  # nobody asks for single comments

    class Meta(CachedModel.Meta):
        indexes = [models.Index(fields=["post", "id"], name="posts_comment_page")]

    def __str__(self) -> str:
        return f"{self.author_id} on {self.post_id}: {self.text[:40]}"


class Like(EdgeModel):
    """A like of a user for a post."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    post = models.ForeignKey(Post, models.CASCADE, related_name="+", db_index=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    partitioned_by = "user_id"

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
    partitioned_by = "user_id"

    class Meta(EdgeModel.Meta):
        constraints = [models.UniqueConstraint(fields=["user", "post"], name="posts_favorite_pair")]
        indexes = [models.Index(fields=["user", "id"], name="posts_favorite_page")]

    def __str__(self) -> str:
        return f"{self.user_id} keeps {self.post_id}"


# The posts that are there for all who are not blocked.
VISIBLE = Q(state=Post.State.SHOWN, author__is_active=True)

# One row more than a page, to know whether there is a next page.
newest_posts = IdList(Post, owner="author", newest=HOME_PAGE + 1, where=Q(state=Post.State.SHOWN))
newest_comments = EdgeList(Comment, owner="post", member="author", newest=PAGE + 1)
newest_likes = EdgeList(Like, owner="post", member="user", newest=PAGE + 1)
newest_favorites = EdgeList(Favorite, owner="user", member="post", newest=PAGE + 1)
liked = IdSet(Like, owner="user", member="post")
favorited = ShownFavorites(
    Favorite,
    owner="user",
    member="post",
    shown=Q(post__state=Post.State.SHOWN, post__author__is_active=True),
    own=Q(post__state=Post.State.HIDDEN),
)
