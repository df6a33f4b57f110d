"""Middleware that gives each answer of Django its X-Request-ID, and each log line of the request that id."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from api import request_ids


class RequestIds:
    """The first middleware, so that answers of all others have an id too, errors and probes among them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = request_ids.given_or_new(request.META.get(request_ids.ENVIRON))
        request_ids.set_current(request_id)
        response = self.get_response(request)
        response[request_ids.HEADER] = request_id
        return response
