"""URL patterns under /api/v1/."""

from django.urls import path

from reports import views

urlpatterns = [path("reports", views.ReportsView.as_view())]
