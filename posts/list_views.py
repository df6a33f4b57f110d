"""Lists of posts, likers, comments and favourites over HTTP."""

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from api.cursors import Location
from api.idempotency import idempotent
from api.ids import parse_id, parse_ids
from api.inputs import validated
from api.json import json_response, no_content
from api.problems import Problem, not_found
from api.reads import answer
from api.schema import described, id_in_path, ids_query, page_query
from api.views import BatchedView, inactive_account
from caching.api import Batch
from posts import services
from posts.models import HOME_PAGE, Comment
from posts.post_lists import CommentDocument, Comments, Likers
from posts.problems import refusals
from posts.reads import CHECK_CAP, Favorites, FavoritesCheck, HomePage
from posts.schemas import output
from posts.schemas.input import CommentInput
from replicas.reads import may_read_replica
from users.schemas.output import UserPage
from users.visibility import ViewedUsers


class HomePageView(BatchedView):
    """Endpoint /api/v1/users/{id}/posts: GET returns a page of the user's posts, newest first."""

    def prepare(self, request: Request, batch: Batch, caller_id: int, user_id: str) -> None:
        self.read = HomePage(batch, caller_id, parse_id(user_id), Location.of(request))

    @described(
        answers={200: output.PostPage},
        problems=("blocked", "not_found"),
        query=[id_in_path("user_id"), *page_query(HOME_PAGE)],
    )
    @may_read_replica
    def get(self, request: Request, user_id: str) -> HttpResponse:
        """List the posts of a user.

        A page has up to 15 posts, newest first.
        """
        return answer(self.read)


class FavoritesView(BatchedView):
    """Endpoint /api/v1/favorites: GET returns a page of the caller's favourites, newest favourite first."""

    def prepare(self, request: Request, batch: Batch, caller_id: int) -> None:
        self.read = Favorites(batch, caller_id, Location.of(request))

    @described(answers={200: output.PostPage}, query=page_query())
    @may_read_replica
    def get(self, request: Request) -> HttpResponse:
        """List the own favourites.

        A page has up to 20 posts, the newest favourite first.
        """
        return answer(self.read)


class FavoritesCheckView(BatchedView):
    """Endpoint /api/v1/favorites/check: GET returns, by post id, whether each is a favourite of the caller."""

    def prepare(self, request: Request, batch: Batch, caller_id: int) -> None:
        self.read = FavoritesCheck(batch, caller_id, parse_ids(request.query_params, cap=CHECK_CAP))

    @described(answers={200: output.FavoritesChecked}, query=[ids_query(cap=CHECK_CAP)], operation_id="favorites_check")
    def get(self, request: Request) -> HttpResponse:
        """Tell which of several posts are own favourites.

        Answers for each id, also for ids that do not exist: those are no favourites.
        """
        return answer(self.read)


def _page_of(document: type) -> Any:
    return described(
        answers={200: document},
        problems=("blocked", "not_found"),
        query=[id_in_path("post_id"), *page_query()],
    )


class LikersView(BatchedView):
    """Endpoint /api/v1/posts/{id}/likers: GET returns a page of the users who like the post."""

    def prepare(self, request: Request, batch: Batch, caller_id: int, post_id: str) -> None:
        self.read = Likers(batch, caller_id, parse_id(post_id), Location.of(request))

    @_page_of(UserPage)
    @may_read_replica
    def get(self, request: Request, post_id: str) -> HttpResponse:
        """List the users who like a post.

        A page has up to 20 users, the newest like first.
        """
        return answer(self.read)


class CommentsView(BatchedView):
    """Endpoint /api/v1/posts/{id}/comments: GET returns a page of comments, POST adds one and returns it."""

    def prepare(self, request: Request, batch: Batch, caller_id: int, post_id: str) -> None:
        self.post_id = parse_id(post_id)
        if request.method != "POST":
            self.read = Comments(batch, caller_id, self.post_id, Location.of(request))

    @_page_of(output.CommentPage)
    @may_read_replica
    def get(self, request: Request, post_id: str) -> HttpResponse:
        """List the comments on a post.

        A page has up to 20 comments, newest first. The author of the post sees
        those of blocked users as well.
        """
        return answer(self.read)

    @described(
        answers={201: output.Comment},
        body=CommentInput,
        problems=("blocked", "not_found"),
        query=[id_in_path("post_id")],
    )
    @idempotent
    def post(self, request: Request, post_id: str) -> HttpResponse:
        """Comment on a post.

        A text has 1 to 1,000 characters.
        """
        columns = validated(CommentInput, request.data)
        read_after = Batch()
        authors = ViewedUsers(read_after, self.caller_id, [self.caller_id], despite_blocks=True)
        with refusals():
            comment = services.comment(post_id=self.post_id, author_id=self.caller_id, read_after=read_after, **columns)
        read_after.run()
        if not (found := authors.public()):  # deleted meanwhile
            raise inactive_account()
        return json_response(CommentDocument.of(comment, found[self.caller_id]), status=201)


class CommentView(BatchedView):
    """Endpoint /api/v1/comments/{id}: DELETE deletes a comment, for its author or the author of the post."""

    def prepare(self, request: Request, batch: Batch, caller_id: int, comment_id: str) -> None:
        self.comment_id = parse_id(comment_id)

    @described(answers={204: None}, problems=("not_the_author", "not_found"), query=[id_in_path("comment_id")])
    def delete(self, request: Request, comment_id: str) -> HttpResponse:
        """Delete a comment.

        Its author may do so, and the author of the post. May be repeated by the user who deleted it.
        """
        try:
            services.delete_comment(comment_id=self.comment_id, by=self.caller_id)
        except Comment.DoesNotExist:
            raise not_found("such comment") from None
        except services.NotAllowed:
            text = "A comment is deleted by its author or by the author of the post."
            raise Problem(403, "not_the_author", text) from None
        return no_content()
