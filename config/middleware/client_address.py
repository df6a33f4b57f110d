"""The client's address behind reverse proxies.

Each proxy appends the address of its own client to X-Forwarded-For. The setting PROXIES is the number of proxies: only
that many entries, counted from the right, can be trusted; a client may have sent all others.
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse


class ClientAddress:
    """Middleware that sets REMOTE_ADDR to the client's address, if enough proxies have appended to the header."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        chain = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
        if len(chain) >= settings.PROXIES and (address := chain[-settings.PROXIES].strip()):
            request.META["REMOTE_ADDR"] = address
        return self.get_response(request)
