"""Which rows make a page, newest first."""

from api.cursors import Cursor
from api.keysets import Keyset, Page
from posts.models import HOME_PAGE, Comment, Favorite, Like, Post

PAGE = 20

HOME = Keyset(Post, "author_id", "id", "posts_post_home_page", only=f"AND edge.state = {Post.State.SHOWN}")
COMMENTS = Keyset(Comment, "post_id", "id", "posts_comment_page")
LIKERS = Keyset(Like, "post_id", "user_id", "posts_like_likers_page")
FAVORITES = Keyset(Favorite, "user_id", "post_id", "posts_favorite_page")


def first_home_page(newest: list[int]) -> Page:
    """Of the ids in the list `newest_posts`, which is one longer than a page."""
    shown = newest[:HOME_PAGE]
    return Page(shown, after=(shown[-1],) if len(newest) > HOME_PAGE else None, before=None)


def home_page_of(author_id: int, cursor: Cursor) -> Page:
    return HOME.page(author_id, cursor, size=HOME_PAGE)


def comments_on(post_id: int, cursor: Cursor | None) -> Page:
    return COMMENTS.page(post_id, cursor, size=PAGE)


def likers_of(post_id: int, cursor: Cursor | None) -> Page:
    return LIKERS.page(post_id, cursor, size=PAGE)


def favorites_of(user_id: int, cursor: Cursor | None) -> Page:
    return FAVORITES.page(user_id, cursor, size=PAGE)
