"""Lists of posts, likers and favourites over HTTP."""

from django.http import HttpResponse
from rest_framework.request import Request

from api.cursors import Location
from api.ids import parse_id, parse_ids
from api.reads import answer
from api.schema import described, id_in_path, ids_query, page_query
from api.views import BatchedView
from caching.api import Batch
from posts.models import HOME_PAGE
from posts.post_lists import Likers
from posts.reads import CHECK_CAP, Favorites, FavoritesCheck, HomePage
from posts.schemas import output
from replicas.reads import may_read_replica
from users.schemas.output import UserPage


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


class LikersView(BatchedView):
    """Endpoint /api/v1/posts/{id}/likers: GET returns a page of the users who like the post."""

    def prepare(self, request: Request, batch: Batch, caller_id: int, post_id: str) -> None:
        self.read = Likers(batch, caller_id, parse_id(post_id), Location.of(request))

    @described(answers={200: UserPage}, problems=("blocked", "not_found"), query=[id_in_path("post_id"), *page_query()])
    @may_read_replica
    def get(self, request: Request, post_id: str) -> HttpResponse:
        """List the users who like a post.

        A page has up to 20 users, the newest like first.
        """
        return answer(self.read)
