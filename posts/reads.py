"""The reads of posts, for the views and for the hot lane."""

from typing import Any

from api.reads import Read
from caching.api import Batch
from posts.models import favorited

CHECK_CAP = 200


class FavoritesCheck(Read):
    def __init__(self, batch: Batch, caller_id: int, post_ids: list[int]) -> None:
        self._kept = batch.add(favorited.among(caller_id, post_ids))

    def document(self) -> Any:
        return {"results": {str(post_id): kept for post_id, kept in self._kept.result.items()}}
