"""Lines about requests that were answered: those that took long, and all of them where the access log is on."""

import logging
import time

from django.conf import settings

from api.logs.current import LoggedRequest

slow_requests = logging.getLogger("requests.slow")
access = logging.getLogger("requests.access")


def noticed_from_s() -> float:
    """Return the seconds from which on a request is to be given to note(): none if there is an access log."""
    return 0.0 if settings.ACCESS_LOG else settings.SLOW_REQUEST_MS / 1000


def note(request: LoggedRequest, status: int) -> None:
    """Log a request that has just been answered, as slow if it was, and in the access log if it is on."""
    extra = {"logged_request": request, "status": status}
    if time.perf_counter() - request.began_s >= settings.SLOW_REQUEST_MS / 1000:
        slow_requests.warning("A slow request.", extra=extra)
    if settings.ACCESS_LOG:
        access.info("A request.", extra=extra)
