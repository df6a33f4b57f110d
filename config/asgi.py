"""ASGI entry point: Django's WSGI handler on WEB_THREADS threads, and the hot lane beside it."""

from config.wsgi import application as django  # first of all: it sets Django up

# isort: split
from django.conf import settings

import counters.lane
import popups.lane
import posts.lane
import social.lane
import users.lane
from serving.bridge.wsgi import Bridge
from serving.hot_lane.lane import HotLane

ROOMS = (users.lane, social.lane, counters.lane, posts.lane, popups.lane)

bridge = Bridge(django, settings.WEB_THREADS)
addresses = [each for room in ROOMS for each in room.ADDRESSES]
application = HotLane(bridge, django, prefix="/api/v1/", addresses=addresses) if settings.LANE else bridge
