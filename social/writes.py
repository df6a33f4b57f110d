"""The writes of edges between the caller and another user, for the views and the hot lane."""

from typing import Any

from api.problems import bad_input
from api.writes import Write
from caching.api import Batch
from social import services
from social.relationships import RequestedRelationships
from users.models import User
from users.visibility import blocked, is_gone, no_such_user


class EdgeWrite(Write):
    """An edge that is inserted or deleted; the answer is the resulting relationship."""

    service: Any
    ends = ("follower_id", "followee_id")

    def __init__(self, batch: Batch, caller_id: int, user_id: int) -> None:
        if user_id == caller_id:
            raise bad_input("id", "This is about two people, and you gave your own id.", "self")
        self._pair = dict(zip(self.ends, (caller_id, user_id), strict=True))
        self._user_id = user_id
        self._users = batch.rows(User, [user_id])
        self._read_after = Batch()
        self._relationships = RequestedRelationships(self._read_after, caller_id, [user_id])

    def check(self) -> None:
        if is_gone(self._users.row(self._user_id)):
            raise no_such_user()

    def perform(self) -> None:
        try:
            self.service(**self._pair, read_after=self._read_after)
        except services.Blocked:
            raise blocked() from None
        except User.DoesNotExist:
            raise no_such_user() from None
        self._read_after.run()

    def document(self) -> Any:
        return self._relationships.of(self._user_id)


class FollowUser(EdgeWrite):
    """PUT users/{id}/follow."""

    service = staticmethod(services.follow)


class UnfollowUser(EdgeWrite):
    """DELETE users/{id}/follow."""

    service = staticmethod(services.unfollow)


class RemoveFollower(EdgeWrite):
    """DELETE users/{id}/follower."""

    service = staticmethod(services.unfollow)
    ends = ("followee_id", "follower_id")


class BlockUser(EdgeWrite):
    """PUT users/{id}/block."""

    service = staticmethod(services.block)
    ends = ("blocker_id", "blocked_id")


class UnblockUser(EdgeWrite):
    """DELETE users/{id}/block."""

    service = staticmethod(services.unblock)
    ends = ("blocker_id", "blocked_id")
