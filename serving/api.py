"""The public face of serving: the applications that config.asgi composes, routes, and what tells how they do."""

from serving.bridge.threads import pools, waits
from serving.bridge.wsgi import Bridge
from serving.hot_lane.lane import HotLane
from serving.hot_lane.routes import FIELDS, IDS, PagedRoute, Route, WriteRoute
from serving.lifecycle import call_at_start, is_stopping
from serving.requests.answered import durations

__all__ = [
    "FIELDS", "IDS", "Bridge", "HotLane", "PagedRoute", "Route", "WriteRoute", "call_at_start", "durations",
    "is_stopping", "pools", "waits",
]  # fmt: skip
