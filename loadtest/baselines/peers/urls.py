"""The URLs of the peers: those of the API that a session uses, and an empty view."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from loadtest.baselines.peers import people, popups, posts, ratings
from loadtest.baselines.peers.models import Favorite


def empty(request: HttpRequest) -> HttpResponse:
    """Answer with an empty document: the cost of Django itself."""
    return HttpResponse(b"{}", content_type="application/json")


api = [
    path("counters", people.CountersView.as_view()),
    path("favorites/check", posts.FavoritesCheckView.as_view()),
    path("feed", posts.FeedView.as_view()),
    path("popups/next", popups.NextView.as_view()),
    path("popups/<int:pk>/events", popups.EventsView.as_view()),
    path("posts", posts.PostsView.as_view()),
    path("posts/<int:pk>/comments", posts.CommentsView.as_view()),
    path("posts/<int:pk>/favorite", posts.MarkView.as_view(model=Favorite, counter="favorites")),
    path("posts/<int:pk>/like", posts.MarkView.as_view()),
    path("ratings/<int:pk>/score", ratings.ScoreView.as_view()),
    path("relationships", people.RelationshipsView.as_view()),
    path("users", people.UsersView.as_view()),
    path("users/me", people.OwnUserView.as_view()),
    path("users/profiles", people.ProfilesView.as_view()),
    path("users/<int:pk>", people.UserView.as_view()),
    path("users/<int:pk>/follow", people.FollowView.as_view()),
    path("users/<int:pk>/posts", posts.HomePageView.as_view()),
]
urlpatterns = [path("baseline/empty", empty), path("api/v1/", include(api))]
