"""URL patterns under /api/v1/."""

from django.urls import path

from ratings import views

urlpatterns = [
    path("ratings", views.ItemsView.as_view()),
    path("ratings/<str:item_id>", views.ItemView.as_view()),
    path("ratings/<str:item_id>/score", views.ScoreView.as_view()),
]
