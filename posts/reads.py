"""The reads of posts, for the views and the hot lane."""

from typing import Any

from api.reads import Read
from caching.api import Batch
from posts.models import favorited

CHECK_CAP = 200


class FavoritesCheck(Read):
    """Whether each of several posts is a favourite of the caller."""

    def __init__(self, batch: Batch, caller_id: int, post_ids: list[int]) -> None:
        self._favorited = batch.add(favorited.among(caller_id, post_ids))

    def document(self) -> Any:
        return {"results": {str(post_id): is_favorite for post_id, is_favorite in self._favorited.result.items()}}
