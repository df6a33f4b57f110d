"""The addresses of the operator's page, below the admin's."""

from django.urls import path

from operations import views
from operations.access import for_operators

app_name = "operations"
urlpatterns = [
    path("", for_operators(views.page), name="page"),
    path("now", for_operators(views.now), name="now"),
]
