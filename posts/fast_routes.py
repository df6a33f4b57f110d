"""The reads of posts that the hot lane answers, in the form without optional variations."""

from api.ids import split_ids
from posts.feed.reads import Feed
from posts.post_lists import Comments, Likers
from posts.reads import CHECK_CAP, Favorites, FavoritesCheck, HomePage, OnePost, SomePosts
from serving.api import IDS, PagedRoute, Route

ROUTES = (
    PagedRoute("feed", Feed, cursors=True),
    Route("posts", rf"ids={IDS}", lambda batch, caller_id, ids: SomePosts(batch, caller_id, split_ids(ids))),
    Route("posts/{id}", "", OnePost),
    PagedRoute("posts/{id}/comments", Comments),
    PagedRoute("posts/{id}/likers", Likers),
    PagedRoute("users/{id}/posts", HomePage),
    PagedRoute("favorites", Favorites),
    Route(
        "favorites/check",
        rf"ids={IDS}",
        lambda batch, caller_id, ids: FavoritesCheck(batch, caller_id, split_ids(ids, cap=CHECK_CAP)),
    ),
)
