"""The client's address behind reverse proxies: each appends the address it was called from to X-Forwarded-For.

PROXIES says how many stand in front; that many entries from the right were written by them, all others by anyone.
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse


class ClientAddress:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        chain = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
        if len(chain) >= settings.PROXIES and (address := chain[-settings.PROXIES].strip()):
            request.META["REMOTE_ADDR"] = address
        return self.get_response(request)
