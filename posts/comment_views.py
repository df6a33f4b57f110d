"""Comments over HTTP."""

from django.http import HttpResponse
from rest_framework.request import Request

from api.cursors import Location
from api.idempotency import idempotent
from api.ids import parse_id
from api.inputs import validated
from api.json import json_response, no_content
from api.problems import Problem, not_found
from api.reads import answer
from api.schema import described, id_in_path, page_query
from api.views import BatchedView, inactive_account
from caching.api import Batch
from posts import services
from posts.models import Comment
from posts.post_lists import CommentDocument, Comments
from posts.problems import refusals
from posts.schemas import output
from posts.schemas.input import CommentInput
from replicas.reads import may_read_replica
from users.visibility import ViewedUsers


class CommentsView(BatchedView):
    """Endpoint /api/v1/posts/{id}/comments: GET returns a page of comments, POST adds one and returns it."""

    def prepare(self, request: Request, batch: Batch, caller_id: int, post_id: str) -> None:
        self.post_id = parse_id(post_id)
        if request.method != "POST":
            self.read = Comments(batch, caller_id, self.post_id, Location.of(request))

    @described(
        answers={200: output.CommentPage},
        problems=("blocked", "not_found"),
        query=[id_in_path("post_id"), *page_query()],
    )
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
