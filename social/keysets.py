"""The paged lists of the social graph, newest edge first."""

from api.keysets import Keyset
from social.models import Block, Follow, newest_followers, newest_following

FRIENDS_WINDOW = 500  # edges read for one page of friends; a short page still has a cursor

FOLLOWERS = Keyset(Follow, "followee_id", "follower_id", "social_follow_followers_page", newest=newest_followers)
FOLLOWING = Keyset(Follow, "follower_id", "followee_id", "social_follow_following_page", newest=newest_following)
BLOCKING = Keyset(Block, "blocker_id", "blocked_id", "social_block_blocking_page")
IS_MUTUAL = (
    "EXISTS (SELECT 1 FROM social_follow AS back "
    "WHERE back.follower_id = edge.followee_id AND back.followee_id = edge.follower_id)"
)
FRIENDS = FOLLOWING._replace(is_listed=IS_MUTUAL, window=FRIENDS_WINDOW, newest=None)
