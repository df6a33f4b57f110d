"""The views that the API is made of: each request asks Redis once, for the caller, the throttle and its own rows."""

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from django.contrib import auth
from django.http.response import HttpResponseBase
from rest_framework.exceptions import APIException, MethodNotAllowed
from rest_framework.request import Request
from rest_framework.views import APIView

from api import throttles, tokens
from api.json import JSONRenderer
from api.problems import Problem
from caching.api import Batch

RENDERER = JSONRenderer()


class Caller(NamedTuple):
    """The authenticated user, as far as a request needs to know: `request.user` of the API."""

    id: int
    is_staff: bool

    is_authenticated = True

    @property
    def pk(self) -> int:
        return self.id


_user_model = cache(auth.get_user_model)  # which looks it up by name each time


class Admission:
    """Whether a caller may: their own row and their throttle, asked for in the request's batch."""

    def __init__(self, batch: Batch, caller_id: int, scope: str, environ: Mapping[str, Any]) -> None:
        self._users = batch.rows(_user_model(), [caller_id])
        self.verdict = throttles.request_token(batch, scope, caller_id, environ)

    def enforce(self) -> Any:
        """Once the batch has run: the caller's row; raises the 401 and the 429."""
        row = self._users.only_row()
        if row is None or not row.is_active:
            raise inactive()
        throttles.enforce(self.verdict)
        return row


class JsonView(APIView):
    """JSON only: nothing is negotiated, there is one version, throttles are in Redis, and no header is computed that
    only some answers need."""

    http_method_names = ("get", "head", "post", "put", "patch", "delete")
    default_response_headers: dict[str, str] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        request.accepted_renderer, request.accepted_media_type = self.perform_content_negotiation(request)
        self.perform_authentication(request)
        self.check_permissions(request)
        meta = request._request.META
        if "HTTP_TRANSFER_ENCODING" in meta and not meta.get("CONTENT_LENGTH"):
            # Under WSGI Django takes such a body for an empty one, and would answer as if all had been done.
            raise Problem(411, "length_required", "Send the body with a Content-Length, not in chunks.")

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[Any, str]:
        return RENDERER, RENDERER.media_type

    def refuse_unknown_method(self, request: Request) -> None:
        method = request._request.method or ""
        if method.lower() not in self.http_method_names or not hasattr(self, method.lower()):
            raise MethodNotAllowed(method)

    def handle_exception(self, exc: Exception) -> HttpResponseBase:
        response = super().handle_exception(exc)
        if response.status_code == 405:
            response["Allow"] = ", ".join(self.allowed_methods)
        return response


class BatchedView(JsonView):
    """Everything that is known to be needed before the handler runs is one Redis round trip.

    A bearer token is required, but for the methods in `public`. Override `wants` to add rows to the batch, and keep
    what it returns on `self` for the handler.
    """

    permission_classes = ()  # the token is asked for below, before anything else
    throttle = "user"
    public: dict[str, str] = {}
    """Methods that need no token, each with the throttle by which it counts the client's address."""

    def wants(self, request: Request, batch: Batch, caller_id: int, **kwargs: Any) -> None:
        """Parse the address and the query, and ask for rows; not called for public methods.

        Problems raised here are told to callers with a valid token only.
        """

    def perform_authentication(self, request: Request) -> None:
        self.refuse_unknown_method(request)
        if self.public and request.method in self.public:
            self._admit_anybody(request, self.public[request.method])
        else:
            self._admit_caller(request, tokens.caller_id(request._request.META.get("HTTP_AUTHORIZATION", "")))

    def _admit_anybody(self, request: Request, scope: str) -> None:
        batch = Batch()
        verdict = throttles.request_token(batch, scope, throttles.client_address(request._request))
        batch.run()
        throttles.enforce(verdict)

    def _admit_caller(self, request: Request, caller_id: int) -> None:
        batch = Batch()
        admission = Admission(batch, caller_id, self.throttle, request._request.META)
        problem = self._problem_in_wants(request, batch, caller_id)
        batch.run()
        row = admission.enforce()
        request.user = Caller(row.id, row.is_staff)
        if problem is not None:
            raise problem

    def _problem_in_wants(self, request: Request, batch: Batch, caller_id: int) -> APIException | None:
        try:
            self.wants(request, batch, caller_id, **self.kwargs)
        except APIException as problem:
            return problem
        return None


def inactive() -> Problem:
    """Also for a caller who was deleted after the request was admitted."""
    return Problem(401, "user_inactive", "This account does not exist or is deactivated.")
