"""Addresses of the project."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from api import problems

urlpatterns = [
    path("api/v1/", include("social.urls")),
    path("api/v1/", include("users.urls")),
    path("api/v1/", include("counters.urls")),
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    path("api/<path:rest>", problems.no_such_address),
    path("admin/", admin.site.urls),
]
handler400 = problems.handler400
handler403 = problems.handler403
handler404 = problems.handler404
handler500 = problems.handler500
