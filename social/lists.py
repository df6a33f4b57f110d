"""Pages of people by their edges, newest edge first."""

from api.cursors import Cursor
from api.keysets import Keyset, Page
from social.models import Block, Follow

PAGE = 20
FRIENDS_WINDOW = 500  # edges looked at for one page of friends; a short page still carries its cursor

FOLLOWERS = Keyset(Follow, "followee_id", "follower_id", "social_follow_followers_page")
FOLLOWING = Keyset(Follow, "follower_id", "followee_id", "social_follow_following_page")
BLOCKING = Keyset(Block, "blocker_id", "blocked_id", "social_block_blocking_page")
IS_MUTUAL = (
    "EXISTS (SELECT 1 FROM social_follow AS back "
    "WHERE back.follower_id = edge.followee_id AND back.followee_id = edge.follower_id)"
)


def followers_of(user_id: int, cursor: Cursor | None) -> Page:
    return FOLLOWERS.page(user_id, cursor, size=PAGE)


def followed_by(user_id: int, cursor: Cursor | None) -> Page:
    return FOLLOWING.page(user_id, cursor, size=PAGE)


def blocked_by(user_id: int, cursor: Cursor | None) -> Page:
    return BLOCKING.page(user_id, cursor, size=PAGE)


def friends_of(user_id: int, cursor: Cursor | None) -> Page:
    """Mutual follows, by the edge of `user_id`."""
    return FOLLOWING.page(user_id, cursor, size=PAGE, is_shown=IS_MUTUAL, window=FRIENDS_WINDOW)
