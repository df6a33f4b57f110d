"""The addresses of the operator's page, below the admin's."""

from django.urls import path

from operations import action_views, views
from operations.access import OPERATE, for_operators

app_name = "operations"
urlpatterns = [
    path("", for_operators(views.page), name="page"),
    path("now", for_operators(views.now), name="now"),
    path("do", for_operators(action_views.do, needs=OPERATE), name="do"),
    path("log", for_operators(action_views.log), name="log"),
]
