"""What the export of an account has of this room's rows."""

from social.models import Block, Follow
from users.exports import Part, exclude, register


def register_parts() -> None:
    """Register the parts of this room."""
    register(
        Part("following", Follow, "follower", "followee_id", {"user": "followee_id", "created_at": "created_at"}),
        Part("followers", Follow, "followee", "follower_id", {"user": "follower_id", "created_at": "created_at"}),
        Part("blocking", Block, "blocker", "blocked_id", {"user": "blocked_id", "created_at": "created_at"}),
    )
    exclude(Block, "blocked", "whom another user blocks is that user's own")
