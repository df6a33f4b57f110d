"""ASGI entry point: Django's WSGI handler on WEB_THREADS threads, and the hot lane beside it."""

from config.wsgi import application as django  # first of all: it sets Django up

# isort: split
from django.conf import settings

import counters.http.fast_routes
import popups.api.fast_routes
import posts.fast_routes
import social.fast_routes
import users.fast_routes
from serving.bridge.wsgi import Bridge
from serving.hot_lane.lane import HotLane

ROOMS = (users.fast_routes, social.fast_routes, counters.http.fast_routes, posts.fast_routes, popups.api.fast_routes)

bridge = Bridge(django, settings.WEB_THREADS)
routes = [each for room in ROOMS for each in room.ROUTES]
application = HotLane(bridge, django, prefix="/api/v1/", routes=routes) if settings.LANE else bridge
