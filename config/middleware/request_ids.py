"""Middleware that gives each answer of Django its X-Request-ID, and tells the log which request is answered."""

import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from api import request_ids
from api.logs import answered
from api.logs.current import DjangoRequest, set_current


class RequestIds:
    """The first middleware, so that answers of all others have an id too, errors and probes among them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._noticed_from_s = answered.noticed_from_s()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = request_ids.given_or_new(request.META.get(request_ids.ENVIRON))
        logged = DjangoRequest(request_id, request)
        set_current(logged)
        response = self.get_response(request)
        response[request_ids.HEADER] = request_id
        if time.perf_counter() - logged.began_s >= self._noticed_from_s:
            answered.note(logged, response.status_code)
        return response
