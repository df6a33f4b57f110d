"""The URLs of counters under /api/v1/."""

from django.urls import path

from counters.http import views

urlpatterns = [path("counters", views.CountersView.as_view())]
