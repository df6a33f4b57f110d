"""The client's address behind reverse proxies.

Each proxy appends the address of its own client to X-Forwarded-For. The setting PROXIES is the number of proxies: only
that many entries, counted from the right, can be trusted; a client may have sent all others.
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from api.addresses import parse_address


class ClientAddress:
    """Middleware that sets REMOTE_ADDR to the client's address, without port and in its normal spelling.

    If too few proxies have appended to the header, or the entry is not an address (such as "unknown"), REMOTE_ADDR
    stays the address of the connection, so that all such clients share the budget of the proxy.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        chain = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
        if len(chain) >= settings.PROXIES and (address := parse_address(chain[-settings.PROXIES])):
            request.META["REMOTE_ADDR"] = str(address)
        return self.get_response(request)
