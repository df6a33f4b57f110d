"""Addresses of the project."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

import counters.http.urls
import popups.api.urls
import posts.urls
import ratings.urls
import social.urls
import users.urls
from api import problems

# In this order: `users/profiles` would be an id to users; and what comes in crowds early, as each is tried in turn.
ROOMS = (ratings.urls, social.urls, users.urls, counters.http.urls, posts.urls, popups.api.urls)

urlpatterns = [
    # Together: a prefix shared by several includes is matched, and left again, once for each.
    path("api/v1/", include([each for room in ROOMS for each in room.urlpatterns])),
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    path("api/<path:rest>", problems.no_such_address),
    path("admin/", admin.site.urls),
]
handler400 = problems.handler400
handler403 = problems.handler403
handler404 = problems.handler404
handler500 = problems.handler500
