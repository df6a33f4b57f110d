"""Follows and blocks between users."""

from django.db import models
from django.utils import timezone

from api.cursors import PAGE
from caching.api import EdgeList, EdgeModel, IdList, IdSet
from users.models import User


class Follow(EdgeModel):
    """`follower` follows `followee`. There is never a Follow and a Block between two users, in either direction."""

    id = models.BigAutoField(primary_key=True)
    follower = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    followee = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    partitioned_by = "follower_id"

    class Meta(EdgeModel.Meta):
        constraints = [models.UniqueConstraint(fields=["follower", "followee"], name="social_follow_pair")]
        indexes = [
            models.Index(fields=["follower", "id"], name="social_follow_following_page"),
            models.Index(fields=["followee", "id"], name="social_follow_followers_page"),
            models.Index(fields=["followee", "follower"], name="social_follow_followers_set"),
        ]

    def __str__(self) -> str:
        return f"{self.follower_id} follows {self.followee_id}"


class Block(EdgeModel):
    """`blocker` and `blocked` do not see each other in lists, and neither can follow the other."""

    id = models.BigAutoField(primary_key=True)
    blocker = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    blocked = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    partitioned_by = "blocker_id"

    class Meta(EdgeModel.Meta):
        constraints = [models.UniqueConstraint(fields=["blocker", "blocked"], name="social_block_pair")]
        indexes = [
            models.Index(fields=["blocker", "id"], name="social_block_blocking_page"),
            models.Index(fields=["blocked", "blocker"], name="social_block_blocked_by_set"),
        ]

    def __str__(self) -> str:
        return f"{self.blocker_id} blocks {self.blocked_id}"


class PairLock(models.Model):
    """A row to lock while the edges of a pair change, shared by many pairs. See docs/decisions/0004-pair-lock.md."""

    stripe = models.PositiveIntegerField(primary_key=True)

    def __str__(self) -> str:
        return str(self.stripe)


following = IdSet(Follow, owner="follower", member="followee")
# One set of the caller's tells who of a hundred users follows the caller; the sets of these users are not needed.
followers = IdSet(Follow, owner="followee", member="follower")
newest_followers = EdgeList(Follow, owner="followee", member="follower", newest=PAGE + 1)
newest_following = EdgeList(Follow, owner="follower", member="followee", newest=PAGE + 1)
blocking = IdSet(Block, owner="blocker", member="blocked")
blocked_by = IdSet(Block, owner="blocked", member="blocker")

FOLLOWED = 5_000
"""The most users whose posts come together in a feed."""
# Those whom a user followed last, in an entry of 4 bytes for each.
followed = IdList(Follow, owner="follower", member="followee", newest=FOLLOWED)
