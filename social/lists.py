"""Pages of people by their edges, newest edge first: each is a short range of one index, however deep.

The cursor is the id of an edge, so edges inserted meanwhile are neither skipped nor repeated.
"""

from typing import Any, NamedTuple

from django.db import connections, router

from api.cursors import Cursor
from social.models import Follow

PAGE = 20
FRIENDS_WINDOW = 500  # edges looked at for one page of friends; a short page still carries its cursor


class Page(NamedTuple):
    """`after` and `before` are the keys from which the neighbouring pages start; None where there is none."""

    user_ids: list[int]
    after: tuple[int] | None
    before: tuple[int] | None


class Edges(NamedTuple):
    """The edges of one owner: whom they name, and the index on (owner, id) that gives them in order."""

    table: str
    owner: str
    member: str
    index: str


FOLLOWERS = Edges("social_follow", "followee_id", "follower_id", "social_follow_followers_page")
FOLLOWING = Edges("social_follow", "follower_id", "followee_id", "social_follow_following_page")
BLOCKING = Edges("social_block", "blocker_id", "blocked_id", "social_block_blocking_page")
IS_MUTUAL = (
    "EXISTS (SELECT 1 FROM social_follow AS back "
    "WHERE back.follower_id = edge.followee_id AND back.followee_id = edge.follower_id)"
)


def followers_of(user_id: int, cursor: Cursor | None) -> Page:
    return _page(FOLLOWERS, user_id, cursor)


def followed_by(user_id: int, cursor: Cursor | None) -> Page:
    return _page(FOLLOWING, user_id, cursor)


def blocked_by(user_id: int, cursor: Cursor | None) -> Page:
    return _page(BLOCKING, user_id, cursor)


def friends_of(user_id: int, cursor: Cursor | None) -> Page:
    """Mutual follows, by the edge of `user_id`."""
    return _page(FOLLOWING, user_id, cursor, is_shown=IS_MUTUAL, window=FRIENDS_WINDOW)


def _page(edges: Edges, owner_id: int, cursor: Cursor | None, *, is_shown: str = "1", window: int = PAGE + 1) -> Page:
    """One SQL query; of a wider window, the edges that `is_shown` admits make the page."""
    backwards = cursor is not None and cursor.backwards
    rows = _read(edges, owner_id, cursor, is_shown, window)
    hits = [(edge_id, user_id) for edge_id, user_id, shown in rows if shown]
    shown, user_ids = hits[:PAGE], [user_id for _, user_id in hits[:PAGE]]
    onward = (shown[-1][0],) if len(hits) > PAGE else (rows[-1][0],) if len(rows) >= window else None
    if backwards:
        return Page(user_ids[::-1], after=_back(shown, cursor), before=onward)
    return Page(user_ids, after=onward, before=_back(shown, cursor))


def _back(shown: list[tuple[int, int]], cursor: Cursor | None) -> tuple[int] | None:
    """Where the page began; of an empty one just beside its cursor, so that the edge there is not passed over."""
    if cursor is None:
        return None
    return (shown[0][0],) if shown else (cursor.key[0] + (1 if cursor.backwards else -1),)


# SQL: spelled out because the index has to be named. Left to itself, MariaDB 10.11 finds the owner's edges by the index
# but walks over all newer ones down to the cursor, where most of the table is the owner's: a page cost its depth.


def _read(edges: Edges, owner_id: int, cursor: Cursor | None, is_shown: str, window: int) -> list[tuple[Any, ...]]:
    """(edge id, user id, whether it is shown) in the direction of the cursor."""
    beyond, order = (">", "ASC") if cursor is not None and cursor.backwards else ("<", "DESC")
    start, args = ("", [owner_id]) if cursor is None else (f"AND edge.id {beyond} %s", [owner_id, cursor.key[0]])
    connection = connections[router.db_for_read(Follow)]
    named = {"mysql": f"FORCE INDEX ({edges.index})", "sqlite": f"INDEXED BY {edges.index}"}
    with connection.cursor() as database:
        database.execute(
            f"SELECT edge.id, edge.{edges.member}, {is_shown} FROM {edges.table} AS edge "
            f"{named.get(connection.vendor, '')} WHERE edge.{edges.owner} = %s {start} "
            f"ORDER BY edge.id {order} LIMIT {window}",
            args,
        )
        return database.fetchall()
