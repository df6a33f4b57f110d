"""The URLs of popups under /api/v1/."""

from django.urls import path

from popups.api import views

urlpatterns = [
    path("popups/next", views.NextView.as_view()),
    path("popups/<str:popup_id>/events", views.EventsView.as_view()),
]
