"""URL patterns under /api/v1/."""

from django.urls import include, path

from posts import comment_views, list_views, views
from posts.feed.views import FeedView

urlpatterns = [
    path("posts", views.PostsView.as_view()),
    path("posts/<str:post_id>", views.PostView.as_view()),
    path(
        "posts/<str:post_id>/",
        include(
            [
                path("like", views.LikeView.as_view()),
                path("favorite", views.FavoriteView.as_view()),
                path("comments", comment_views.CommentsView.as_view()),
                path("likers", list_views.LikersView.as_view()),
            ]
        ),
    ),
    path("comments/<str:comment_id>", comment_views.CommentView.as_view()),
    path("feed", FeedView.as_view()),
    path("favorites", list_views.FavoritesView.as_view()),
    path("favorites/check", list_views.FavoritesCheckView.as_view()),
    path("users/<str:user_id>/posts", list_views.HomePageView.as_view()),
]
