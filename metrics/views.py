"""GET /metrics: for Prometheus, past Django's threads where there is an event loop."""

import asyncio
import hmac
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from api.problems import Problem, problem_response
from metrics import exposition, snapshots

PATH = "/metrics"
_pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="scrape")  # one scrape at a time: others wait for it


class Metrics:
    """Middleware that answers scrapes; it precedes the check of the host name, as Prometheus asks by address."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        snapshots.start()
        if request.path_info != PATH:
            return self._get_response(request)
        return _refusal(request.META) or _answer(exposition.text())


async def metrics_in_event_loop(environ: Mapping[str, Any]) -> HttpResponse:
    """Answer a scrape, and occupy no thread of Django."""
    snapshots.start()
    refusal = _refusal(environ)
    return refusal or _answer(await asyncio.wrap_future(_pool.submit(exposition.text)))


def _refusal(environ: Mapping[str, Any]) -> HttpResponse | None:
    """Return the 404 where nobody may scrape, and the 401 for another token than METRICS_TOKEN."""
    if settings.DEBUG:
        return None
    if not settings.METRICS_TOKEN:
        return problem_response(Problem(404, "not_found", "There is nothing at this address."))
    scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() == "bearer" and hmac.compare_digest(token.encode(), settings.METRICS_TOKEN.encode()):
        return None
    return problem_response(Problem(401, "not_authenticated", "Send the value of METRICS_TOKEN as a bearer token."))


def _answer(text: bytes) -> HttpResponse:
    headers = {"Cache-Control": "no-store", "Content-Length": str(len(text))}
    return HttpResponse(text, content_type=exposition.MEDIA_TYPE, headers=headers)
