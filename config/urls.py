"""URLs of the project."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

import counters.http.urls
import operations.urls
import popups.api.urls
import posts.urls
import ratings.urls
import reports.urls
import social.urls
import users.urls
from api import problems

# The order matters: `users/profiles` of social must precede `users/{id}`; frequent requests come early, because Django
# tries one pattern after the other.
ROOMS = (ratings.urls, social.urls, users.urls, counters.http.urls, posts.urls, popups.api.urls, reports.urls)

urlpatterns = [
    # One include for all rooms, so that the prefix is matched once.
    path("api/v1/", include([pattern for room in ROOMS for pattern in room.urlpatterns])),
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    path("api/<path:rest>", problems.no_such_address),
    path("admin/operations/", include(operations.urls)),
    path("admin/", admin.site.urls),
]
handler400 = problems.handler400
handler403 = problems.handler403
handler404 = problems.handler404
handler500 = problems.handler500
