"""What the export of an account has of this room's rows."""

from django.db.models import Q

from posts.models import Comment, Deletion, Favorite, Like, Post
from users.exports import Part, exclude, register

POST = {"id": "pk", "text": "text", "repost_of": "repost_of_id", "created_at": "created_at"}
COMMENT = {"id": "pk", "post": "post_id", "text": "text", "created_at": "created_at"}
MARK = {"post": "post_id", "created_at": "created_at"}
LONG_TEXTS = 200  # rows of a page


def register_parts() -> None:
    """Register the parts of this room. Posts by their state, as the index has them."""
    shown, hidden = Q(state=Post.State.SHOWN), Q(state=Post.State.HIDDEN)
    register(
        Part("posts", Post, "author", "pk", POST, shown, page=LONG_TEXTS),
        Part("hidden_posts", Post, "author", "pk", POST, hidden, page=LONG_TEXTS),
        Part("comments", Comment, "author", "pk", COMMENT, page=LONG_TEXTS),
        Part("likes", Like, "user", "post_id", MARK),
        Part("favorites", Favorite, "user", "post_id", MARK),
    )
    exclude(Deletion, "user", "notes of ids that are gone, for repeated requests")
