"""Middleware that counts the requests that Django answers."""

import re
from collections.abc import Callable
from functools import cache
from time import perf_counter

from django.http import HttpRequest, HttpResponse

from serving.api import durations

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
UNMATCHED = "unmatched"
TOGETHER = ("admin/", "static/")
"""Addresses below these are one route."""


class AnsweredRequests:
    """Counts each answer by route, method and status: by few routes, whatever addresses strangers make up."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = perf_counter()
        response = self._get_response(request)
        match = request.resolver_match
        route = UNMATCHED if match is None else route_of(match.route)
        method = request.method if request.method in METHODS else "other"
        durations.add((route, str(method), response.status_code, "django"), perf_counter() - began)
        return response


@cache
def route_of(pattern: str) -> str:
    """Return the route of Django's pattern, as the hot lane calls it: /api/v1/users/{id}."""
    for begin in TOGETHER:
        if pattern.startswith(begin):
            return f"/{begin}"
    return UNMATCHED if "<path:" in pattern else "/" + re.sub(r"<[^>]*>", "{id}", pattern)
