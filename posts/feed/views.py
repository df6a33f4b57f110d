"""The home feed over HTTP."""

from django.http import HttpResponse
from rest_framework.request import Request

from api.cursors import Location
from api.reads import answer
from api.schema import described, page_query
from api.views import BatchedView
from caching.api import Batch
from posts.feed.reads import Feed
from posts.models import HOME_PAGE
from posts.schemas import output
from replicas.reads import may_read_replica


class FeedView(BatchedView):
    """Endpoint /api/v1/feed: GET returns a page of the posts of those whom the caller follows, newest first."""

    def prepare(self, request: Request, batch: Batch, caller_id: int) -> None:
        self.read = Feed(batch, caller_id, Location.of(request))

    @described(answers={200: output.PostPage}, query=page_query(HOME_PAGE))
    @may_read_replica
    def get(self, request: Request) -> HttpResponse:
        """Read the home feed.

        A page has up to 15 posts, newest first: those of the users whom the caller follows, and the caller's own. Of
        more than 5,000 users the 5,000 count whom the caller followed last.
        """
        return answer(self.read)
