"""The check of favourites; the hot lane answers its plainest form."""

from typing import Any

from api.ids import ids_of
from api.reads import Read
from caching.api import Batch
from posts.models import favorited
from serving.hot_lane.routes import IDS, Route

CHECK_CAP = 200


class FavoritesCheck(Read):
    def __init__(self, batch: Batch, caller_id: int, post_ids: list[int]) -> None:
        self._kept = batch.add(favorited.among(caller_id, post_ids))

    def document(self) -> Any:
        return {"results": {str(post_id): kept for post_id, kept in self._kept.result.items()}}


ADDRESSES = (
    Route(
        "favorites/check",
        rf"ids={IDS}",
        lambda batch, caller_id, ids: FavoritesCheck(batch, caller_id, ids_of(ids, cap=CHECK_CAP)),
    ),
)
