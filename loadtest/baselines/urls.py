"""The URLs of the project, and the baselines under /baseline/."""

from django.urls import include, path

from config.urls import handler400, handler403, handler404, handler500  # noqa: F401
from config.urls import urlpatterns as project_urlpatterns
from loadtest.baselines import post_views, rating_views, views

baselines = [
    path("empty", views.empty),
    path("favorites/check", post_views.FavoritesCheckView.as_view()),
    path("ratings/<str:item_id>/score/by-f", rating_views.FExpressionView.as_view()),
    path("ratings/<str:item_id>/score/locked", rating_views.LockedView.as_view()),
    path("relationships", views.RelationshipsView.as_view()),
    path("users", views.UsersView.as_view()),
    path("users/<int:pk>", views.UserView.as_view()),
    path("users/<int:pk>/posts", post_views.HomePageView.as_view()),
]
urlpatterns = [path("baseline/", include(baselines)), *project_urlpatterns]
