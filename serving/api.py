"""The public face of serving: the applications that config.asgi composes, and the routes that rooms declare."""

from serving.bridge.wsgi import Bridge
from serving.hot_lane.lane import HotLane
from serving.hot_lane.routes import FIELDS, IDS, Route

__all__ = ["FIELDS", "IDS", "Bridge", "HotLane", "Route"]
