"""The paged lists of posts and of what refers to a post, newest first."""

from api.cursors import Page
from api.keysets import Keyset
from posts.models import HOME_PAGE, Comment, Favorite, Like, Post

HOME = Keyset(
    Post, "author_id", "id", "posts_post_home_page", size=HOME_PAGE, only=f"AND edge.state = {Post.State.SHOWN}"
)
COMMENTS = Keyset(Comment, "post_id", "id", "posts_comment_page")
LIKERS = Keyset(Like, "post_id", "user_id", "posts_like_likers_page")
FAVORITES = Keyset(Favorite, "user_id", "post_id", "posts_favorite_page")


def first_home_page(newest: list[int], size: int) -> Page:
    """Return the first page of HOME, of at most HOME_PAGE posts, from `newest_posts`, which has one id more."""
    ids = newest[:size]
    return Page(ids, after=(ids[-1],) if len(newest) > size else None, before=None)
