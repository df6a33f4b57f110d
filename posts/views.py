"""Posts, likes and favourites over HTTP."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import HttpResponse
from rest_framework.request import Request

from api.idempotency import idempotent
from api.ids import parse_id, parse_ids
from api.inputs import validated
from api.json import json_response, no_content
from api.problems import Problem, first_or_raise
from api.reads import answer
from api.schema import described, id_in_path, ids_query
from api.views import BatchedView
from api.writes import answer_write
from caching.api import Batch
from posts import presentation, services
from posts.problems import no_such_post, refusals
from posts.reads import OnePost, SomePosts
from posts.schemas import output
from posts.schemas.input import PostInput
from posts.writes import AddFavorite, AddLike, MarkWrite, RemoveFavorite, TakeLikeBack


class PostsView(BatchedView):
    """Endpoint /api/v1/posts: GET returns several posts by `ids`, POST creates a post or a repost and returns it."""

    def prepare(self, request: Request, batch: Batch, caller_id: int) -> None:
        if request.method != "POST":
            self.read = SomePosts(batch, caller_id, parse_ids(request.query_params))

    @described(answers={200: output.PostsFound}, query=[ids_query()], operation_id="posts_list")
    def get(self, request: Request) -> HttpResponse:
        """Get several posts.

        The posts come in the order of the ids; `missing` has the ids of posts that do not exist or cannot be seen.
        """
        return answer(self.read)

    @described(answers={200: output.Post, 201: output.Post}, body=PostInput, problems=("blocked", "not_found"))
    @idempotent
    def post(self, request: Request) -> HttpResponse:
        """Write a post, or repost one.

        A text has 1 to 2,000 characters. `repost_of` is the id of the post that is reposted; reposted again without a
        text, the answer is 200 with the repost that is there.
        """
        columns = validated(PostInput, request.data)
        with refusals():
            post, is_new = services.publish_once(author_id=self.caller_id, **columns)
        results = presentation.posts_of(self.caller_id, [post.pk]).results  # empty if removed meanwhile
        return json_response(first_or_raise(results, no_such_post), status=201 if is_new else 200)


class PostView(BatchedView):
    """Endpoint /api/v1/posts/{id}: GET returns the post, DELETE deletes a post of the caller's."""

    def prepare(self, request: Request, batch: Batch, caller_id: int, post_id: str) -> None:
        self.post_id = parse_id(post_id)
        if request.method != "DELETE":
            self.read = OnePost(batch, caller_id, self.post_id)

    @described(answers={200: output.Post}, problems=("blocked", "not_found"), query=[id_in_path("post_id")])
    def get(self, request: Request, post_id: str) -> HttpResponse:
        """Get a post.

        The answer has its author, its counts, and whether the caller likes it and has it as a favourite. A post that
        the staff has hidden is there for its author, with `hidden`.
        """
        return answer(self.read)

    @described(answers={204: None}, problems=("not_the_author", "not_found"), query=[id_in_path("post_id")])
    def delete(self, request: Request, post_id: str) -> HttpResponse:
        """Delete a post of one's own.

        Its likes, favourites and comments go along. May be repeated by the user who deleted it.
        """
        try:
            with refusals():
                services.delete_post(post_id=self.post_id, by=self.caller_id)
        except services.NotAllowed:
            raise Problem(403, "not_the_author", "Only its author deletes a post.") from None
        return no_content()


class _MarkView(BatchedView):
    # All methods answer with the resulting marks.

    writes: ClassVar[Mapping[str, type[MarkWrite]]]

    def prepare(self, request: Request, batch: Batch, caller_id: int, post_id: str) -> None:
        self.write = self.writes[request.method or ""](batch, caller_id, parse_id(post_id))


def _mark(*problems: str) -> Any:
    return described(answers={200: output.Marks}, problems=("not_found", *problems), query=[id_in_path("post_id")])


class LikeView(_MarkView):
    """Endpoint /api/v1/posts/{id}/like: PUT adds the caller's like, DELETE removes it; both return the post's marks."""

    writes: ClassVar = {"PUT": AddLike, "DELETE": TakeLikeBack}

    @_mark("blocked")
    def put(self, request: Request, post_id: str) -> HttpResponse:
        """Like a post.

        May be repeated: the post is liked once. The answer has the resulting counts.
        """
        return answer_write(self.write)

    @_mark()
    def delete(self, request: Request, post_id: str) -> HttpResponse:
        """Take back a like.

        May be repeated. The answer has the resulting counts.
        """
        return answer_write(self.write)


class FavoriteView(_MarkView):
    """Endpoint /api/v1/posts/{id}/favorite: PUT adds a favourite, DELETE removes it; both return the post's marks."""

    writes: ClassVar = {"PUT": AddFavorite, "DELETE": RemoveFavorite}

    @_mark("blocked")
    def put(self, request: Request, post_id: str) -> HttpResponse:
        """Add a post to the own favourites.

        May be repeated: the post is a favourite once. The answer has the resulting counts.
        """
        return answer_write(self.write)

    @_mark()
    def delete(self, request: Request, post_id: str) -> HttpResponse:
        """Remove a post from the own favourites.

        May be repeated. The answer has the resulting counts.
        """
        return answer_write(self.write)
