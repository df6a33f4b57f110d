"""The public face of serving: what config.asgi composes and sets, and the routes that rooms declare."""

from serving.accepting.listeners import set_write_timeout
from serving.bridge.wsgi import Bridge
from serving.hot_lane.lane import HotLane
from serving.hot_lane.routes import FIELDS, IDS, Route

__all__ = ["FIELDS", "IDS", "Bridge", "HotLane", "Route", "set_write_timeout"]
