"""Base views: a request reads the caller, the throttle and its own rows in one round trip to Redis."""

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from django.contrib import auth
from rest_framework.exceptions import APIException, MethodNotAllowed
from rest_framework.request import Request
from rest_framework.views import APIView

from api import generations, throttles, tokens
from api.json import JSONRenderer, no_content
from api.problems import Problem
from caching.api import Attempts, Batch

RENDERER = JSONRenderer()
IDEMPOTENCY_KEY = "HTTP_IDEMPOTENCY_KEY"


class Caller(NamedTuple):
    """The authenticated user of a request: `request.user` in API views."""

    id: int
    is_staff: bool

    is_authenticated: bool = True

    @property
    def pk(self) -> int:
        return self.id


_user_model = cache(auth.get_user_model)  # not cached by Django, which looks the model up by name


class Admission:
    """Admission of a caller: adds the caller's row and throttle to the request's batch, and judges the results."""

    def __init__(self, batch: Batch, claims: tokens.Claims, scope: str, environ: Mapping[str, Any]) -> None:
        self._claims = claims
        self._users = batch.rows(_user_model(), [claims.user_id])
        self.verdict = throttles.request_token(batch, scope, claims.user_id, environ)

    def enforce(self) -> Any:
        """Return the caller's row; raise the 401 or the 429. Call this after the batch has run."""
        row = self._users.only_row()
        if row is None or not row.is_active:
            raise inactive_account()
        if row.token_generation != self._claims.generation or (
            row.ended_logins and generations.has_ended(row.ended_logins, self._claims.login)
        ):
            raise tokens.access_not_valid()
        throttles.enforce(self.verdict)
        return row


class _DoAgain(Exception):
    """An attempt to answer a request has failed by an error of the database that may have passed."""


class JsonView(APIView):
    """A view that answers JSON: no content negotiation, no versions, and no headers that only some answers need.

    A request that the database has refused for a passing reason, such as a deadlock, is answered anew, from its
    beginning: see caching.api.Attempts.
    """

    http_method_names: tuple[str, ...] = ("get", "head", "post", "put", "patch", "delete")
    default_response_headers: dict[str, str] = {}

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        self._attempts = attempts = Attempts(is_idempotent=self._is_idempotent(request))
        with throttles.CountedOnce():
            while True:
                attempts.begin()
                try:
                    response = super().dispatch(request, *args, **kwargs)
                except _DoAgain:
                    attempts.pause()
                    request = self.request  # whose body has been read
                else:
                    return _as_if_deleted(request, response) if attempts.is_unsure else response

    def initialize_request(self, request: Any, *args: Any, **kwargs: Any) -> Request:
        return request if isinstance(request, Request) else super().initialize_request(request, *args, **kwargs)

    def _is_idempotent(self, request: Any) -> bool:
        if request.method == "POST":
            return IDEMPOTENCY_KEY in request.META and hasattr(getattr(self, "post", None), "is_idempotent")
        return request.method != "PATCH"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        request.accepted_renderer, request.accepted_media_type = self.perform_content_negotiation(request)
        self.perform_authentication(request)
        self.check_permissions(request)
        meta = request._request.META
        if "HTTP_TRANSFER_ENCODING" in meta and not meta.get("CONTENT_LENGTH"):
            # Under WSGI Django treats a chunked body as empty, and would answer as if the request had succeeded.
            raise Problem(411, "length_required", "Send the body with a Content-Length, not in chunks.")

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[Any, str]:
        return RENDERER, RENDERER.media_type

    def refuse_unknown_method(self, request: Request) -> None:
        """Raise the 405 before anything is read."""
        method = request._request.method or ""
        if method.lower() not in self.http_method_names or not hasattr(self, method.lower()):
            raise MethodNotAllowed(method)

    def handle_exception(self, exc: Exception) -> Any:
        if self._attempts.may_go_on(exc):
            raise _DoAgain
        response = super().handle_exception(exc)
        if response.status_code == 405:
            response["Allow"] = ", ".join(self.allowed_methods)
        return response


class BatchedView(JsonView):
    """A view that reads, in one round trip to Redis, everything that is known to be needed before the handler runs.

    A bearer token is required, except for the methods in `public`. Override prepare() to add rows to the batch.
    """

    permission_classes = ()  # perform_authentication() checks the token
    throttle = "user"
    caller_id: int  # of an admitted caller; not set for public methods
    caller_login: int  # the login that the caller's token belongs to; 0 for a token of a release before 0.2
    public: dict[str, str] = {}
    """Methods that need no token, each with the scope of the throttle that counts requests by client address.

    An empty scope: the handler counts them itself.
    """

    def prepare(self, request: Request, batch: Batch, caller_id: int, *args: Any, **kwargs: Any) -> None:
        """Parse the path and the query, and add rows to the batch, to be kept on `self` for the handler.

        Not called for public methods. Problems raised here are answered only to callers who are admitted.
        """

    def perform_authentication(self, request: Request) -> None:
        self.refuse_unknown_method(request)
        if self.public and request.method in self.public:
            if scope := self.public[request.method]:
                throttles.admit(scope, throttles.client_address(request._request))
        else:
            self._admit_caller(request, tokens.caller(request._request.META.get("HTTP_AUTHORIZATION", "")))

    def _admit_caller(self, request: Request, claims: tokens.Claims) -> None:
        batch = Batch()
        admission = Admission(batch, claims, self.throttle, request._request.META)
        problem = self._prepare(request, batch, claims.user_id)
        batch.run()
        row = admission.enforce()
        request._request.META[throttles.VERDICT] = (self.throttle, claims.user_id), admission.verdict
        self.caller_id, self.caller_login = claims.user_id, claims.login
        request.user = Caller(row.id, row.is_staff)  # type: ignore[assignment]
        if problem is not None:
            raise problem

    def _prepare(self, request: Request, batch: Batch, caller_id: int) -> APIException | None:
        try:
            self.prepare(request, batch, caller_id, **self.kwargs)
        except APIException as problem:
            return problem
        return None


def _as_if_deleted(request: Any, response: Any) -> Any:
    """Return the response to a DELETE whose first attempt may have deleted what the next one did not find."""
    return no_content() if request.method == "DELETE" and response.status_code == 404 else response


def inactive_account() -> Problem:
    """Return the 401 for a caller who is deactivated or deleted, also for one deleted after admission."""
    return Problem(401, "user_inactive", "This account does not exist or is deactivated.")
