"""ASGI entry point: Django's WSGI handler on WEB_THREADS threads, and in front of it the hot lane unless LANE=off.

Probes are answered in the event loop, whatever Django's threads wait for.
"""

from config.wsgi import django  # sets Django up, so it is imported first

# isort: split
from functools import partial

from django.conf import settings

import counters.http.fast_routes
import popups.api.fast_routes
import posts.fast_routes
import ratings.fast_routes
import social.fast_routes
import users.fast_routes
from config.middleware import probes
from metrics import views
from serving.api import Bridge, HotLane

ROOMS = (
    users.fast_routes, social.fast_routes, counters.http.fast_routes, posts.fast_routes, ratings.fast_routes,
    popups.api.fast_routes,
)  # fmt: skip

in_event_loop = {**probes.EVENT_LOOP_VIEWS, views.PATH: views.metrics_in_event_loop}
bridge = Bridge(django, settings.WEB_THREADS, views=in_event_loop, reserved="/admin/operations/", interactive="/admin/")
routes = [route for room in ROOMS for route in room.ROUTES]
lane = partial(HotLane, bridge, django, prefix="/api/v1/", routes=routes, threads=bridge.threads)
application = lane() if settings.LANE else bridge
