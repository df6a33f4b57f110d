"""Errors as RFC 9457 problem documents: {"type", "title", "status", "detail", "code"} and, for bad input, "errors"."""

import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import Error, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.template.loader import render_to_string
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions

from api import codes, outages
from api.json import encoded
from caching.api import is_lost, is_passing

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
DATABASE_RETRY_AFTER_S = 2
RETRY_AFTER_S = 1  # after a 429 that says nothing else


class Problem(exceptions.APIException):
    """An error that a view answers with, such as Problem(403, "blocked", "You are blocked by this user.")."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: dict[str, list[str]] | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        codes.require(status, code)
        super().__init__(detail, code)
        self.status_code, self.code, self.errors = status, code, errors
        self.retry_after_s = RETRY_AFTER_S if status == 429 and retry_after_s is None else retry_after_s


def bad_input(field: str, message: str, code: str = "bad_input") -> Problem:
    """Return the 400 for an invalid field."""
    return Problem(400, code, message, errors={field: [message]})


def not_found(what: str) -> Problem:
    """Return the 404 for something that does not exist, such as "such user"."""
    return Problem(404, "not_found", f"There is no {what}.")


def first_or_raise(results: Sequence[Any], problem: Callable[[], Problem]) -> Any:
    """Return the first result; if there is none, raise the problem, which is made only then."""
    if not results:
        raise problem()
    return results[0]


def exception_handler(exc: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """Return DRF's response to an exception; None leaves an unexpected error to Django, which logs it."""
    problem = as_problem(exc)
    return None if problem is None else problem_response(problem)


def as_problem(exc: Exception) -> Problem | None:
    """Return the problem that an exception is answered with; None for an unexpected exception."""
    for kind, translate in TRANSLATIONS:
        if isinstance(exc, kind):
            return translate(exc)
    return None


def problem_response(problem: Problem) -> HttpResponse:
    """Return the response to a problem."""
    document = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status_code).phrase,
        "status": problem.status_code,
        "detail": str(problem.detail),
        "code": problem.code,
    }
    if problem.errors:
        document["errors"] = problem.errors
    response = HttpResponse(encoded(document), status=problem.status_code, content_type=MEDIA_TYPE)
    if problem.status_code == 401:
        response["WWW-Authenticate"] = "Bearer"
    if problem.retry_after_s is not None:
        response["Retry-After"] = str(problem.retry_after_s)
    return response


def _from_validation(exc: exceptions.ValidationError) -> Problem:
    errors: dict[str, list[str]] = {}
    named: dict[str, str] = {}  # the field of each code that says more than bad_input
    for path, message in _flat(exc.detail):
        field = path or "body"
        errors.setdefault(field, []).append(str(message))
        if (code := message.code) and codes.is_listed(400, code):
            named.setdefault(code, field)
    code, field = next(iter(named.items()), ("bad_input", next(iter(errors))))
    return Problem(400, code, f"{field}: {errors[field][0]}", errors=errors)


def _flat(detail: Any, path: str = "") -> Iterator[tuple[str, exceptions.ErrorDetail]]:
    if isinstance(detail, dict):
        for key, inner in detail.items():
            at = path if key == "non_field_errors" else f"{path}.{key}".lstrip(".")
            yield from _flat(inner, at)
    elif isinstance(detail, list):
        for inner in detail:
            yield from _flat(inner, path)
    else:
        yield path, detail


def _from_api_exception(exc: exceptions.APIException) -> Problem:
    code = str(exc.get_codes())
    if not codes.is_listed(exc.status_code, code):
        code = next(iter(codes.of_status(exc.status_code)))
    return Problem(exc.status_code, code, str(exc.detail))


def _from_database(exc: Exception) -> Problem:
    if is_lost(exc):
        outages.database.failed(exc)
    else:
        logger.warning("The database did not answer: %s", exc, extra={"status": 503})
    return Problem(503, "database_unavailable", "The database is not available.", retry_after_s=DATABASE_RETRY_AFTER_S)


def _from_refusal(exc: Error) -> Problem | None:
    """Return the 503 for what may pass: a node is leaving its Galera cluster, or a table is being changed."""
    return _from_database(exc) if is_passing(exc) else None


TRANSLATIONS: list[tuple[type[Exception], Callable[[Any], Problem | None]]] = [
    (Problem, lambda exc: exc),
    (exceptions.ValidationError, _from_validation),
    (exceptions.APIException, _from_api_exception),
    (Http404, lambda exc: Problem(404, "not_found", "There is nothing here.")),
    (PermissionDenied, lambda exc: Problem(403, "permission_denied", "You may not do this.")),
    (RequestDataTooBig, lambda exc: Problem(413, "too_large", "The body is too large.")),
    (SuspiciousOperation, lambda exc: Problem(400, "bad_request", "The request is malformed.")),
    (UnreadablePostError, lambda exc: Problem(400, "bad_request", "The body ended early.")),
    (OperationalError, _from_database),
    (InterfaceError, _from_database),
    (Error, _from_refusal),
]


# Django's error handlers, for errors outside of API views.


def _is_api(request: HttpRequest) -> bool:
    return request.path_info.startswith("/api/")


def handler400(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return the 400 response: a problem document under /api/, Django's error page elsewhere."""
    if not _is_api(request):
        return defaults.bad_request(request, exception)
    return problem_response(as_problem(exception) or Problem(400, "bad_request", "The request is malformed."))


def handler403(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return the 403 response: a problem document under /api/, Django's error page elsewhere."""
    if not _is_api(request):
        return defaults.permission_denied(request, exception)
    return problem_response(Problem(403, "permission_denied", "You may not do this."))


def handler404(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return the 404 response: a problem document under /api/, Django's error page elsewhere."""
    return no_such_address(request) if _is_api(request) else defaults.page_not_found(request, exception)


def handler500(request: HttpRequest) -> HttpResponse:
    """Return the 500, or the 503 if the database did not answer: a problem document under /api/, a page elsewhere."""
    error = sys.exc_info()[1]
    problem = as_problem(error) if isinstance(error, Error) else None
    if _is_api(request):
        failure = Problem(500, "internal_error", "Something went wrong on our side; it has been logged.")
        return problem_response(problem or failure)
    if problem is None:
        return defaults.server_error(request)
    retry = {"Retry-After": str(problem.retry_after_s)}
    return HttpResponse(render_to_string("503.html"), status=problem.status_code, headers=retry)


@csrf_exempt
def no_such_address(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Answer 404; the last URL pattern under /api/, so that debug mode does not answer in HTML."""
    return problem_response(Problem(404, "not_found", "There is nothing at this address."))
