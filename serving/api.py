"""The public face of serving: the applications that config.asgi composes, routes, and whether the service stops."""

from serving.bridge.wsgi import Bridge
from serving.hot_lane.lane import HotLane
from serving.hot_lane.routes import FIELDS, IDS, PagedRoute, Route, WriteRoute
from serving.lifecycle import call_at_start, is_stopping

__all__ = ["FIELDS", "IDS", "Bridge", "HotLane", "PagedRoute", "Route", "WriteRoute", "call_at_start", "is_stopping"]
