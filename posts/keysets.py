"""The paged lists of posts and of what refers to a post, newest first."""

from api.keysets import Keyset
from posts.models import (
    HOME_PAGE,
    Comment,
    Favorite,
    Like,
    Post,
    newest_comments,
    newest_favorites,
    newest_likes,
    newest_posts,
)

_SHOWN = f"AND edge.state = {Post.State.SHOWN}"

HOME = Keyset(Post, "author_id", "id", "posts_post_home_page", size=HOME_PAGE, only=_SHOWN, newest=newest_posts)
COMMENTS = Keyset(Comment, "post_id", "author_id", "posts_comment_page", newest=newest_comments)
LIKERS = Keyset(Like, "post_id", "user_id", "posts_like_likers_page", newest=newest_likes)
FAVORITES = Keyset(Favorite, "user_id", "post_id", "posts_favorite_page", newest=newest_favorites)
