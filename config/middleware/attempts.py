"""Writes of the staff that the database refuses for a passing reason are done again, as those of the API are."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import messages
from django.db import Error
from django.http import HttpRequest, HttpResponse

from caching.api import repeated
from config.middleware.pages import API


class RepeatedPages:
    """The last middleware: calls the view of a form that was sent, and calls it again where that can do no harm."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """Return the response of the view; None where the view may read only, or belongs to the API."""
        if request.method != "POST" or request.path_info.startswith(API):
            return None
        return repeated(partial(_answer, request, partial(view, request, *args, **kwargs)), is_idempotent=False)


def _answer(request: HttpRequest, view: Callable[[], HttpResponse]) -> HttpResponse:
    try:
        return view()
    except Error:
        list(messages.get_messages(request))  # which forgets what this attempt has announced
        raise
