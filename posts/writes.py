"""The writes of likes and favourites, for the views and the hot lane."""

from typing import Any

from api.writes import Write
from caching.api import Batch
from posts import services, visibility
from posts.models import Post
from posts.presentation import RequestedMarks
from posts.problems import no_such_post, refusals


class MarkWrite(Write):
    """A like or favourite that is added or taken back; the answer has the resulting marks."""

    service: Any
    is_addition = True

    def __init__(self, batch: Batch, caller_id: int, post_id: int) -> None:
        self._caller_id, self._post_id = caller_id, post_id
        self._posts = batch.rows(Post, [post_id])
        self._read_after = Batch()
        self._marks = RequestedMarks(self._read_after, caller_id, [post_id])

    def check(self) -> None:
        row = self._posts.row(self._post_id)
        # Whoever cannot see the post (any more) may take a mark back as well.
        if not visibility.exists(row) or (self.is_addition and row.state != Post.State.SHOWN):
            raise no_such_post()

    def perform(self) -> None:
        with refusals():
            self.service(user_id=self._caller_id, post_id=self._post_id, read_after=self._read_after)
        self._read_after.run()

    def document(self) -> Any:
        return {"id": self._post_id, **self._marks.of(self._post_id)}


class AddLike(MarkWrite):
    """PUT posts/{id}/like."""

    service = staticmethod(services.like)


class TakeLikeBack(MarkWrite):
    """DELETE posts/{id}/like."""

    service = staticmethod(services.unlike)
    is_addition = False


class AddFavorite(MarkWrite):
    """PUT posts/{id}/favorite."""

    service = staticmethod(services.add_favorite)


class RemoveFavorite(MarkWrite):
    """DELETE posts/{id}/favorite."""

    service = staticmethod(services.remove_favorite)
    is_addition = False
