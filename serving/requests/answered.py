"""How long requests took that have been answered, by route, method, status and way."""

from caching.api import Durations

durations: Durations[tuple[str | None, str, int, str]] = Durations()
"""By (route, method, status, way), of this process. The way is "lane" or "django"."""
