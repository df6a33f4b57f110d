"""Who may open the operator's page, also while the database, which has the sessions of the staff, is away.

While the database answers, a request is let in by its session, as everywhere in the admin, and gets a pass: a signed
cookie, good for PASS_S and with that session alone. While the database gives no answer in time the pass is enough to
look, but never to do anything. Logging out deletes the session's cookie, without which the pass counts for nothing.
Whoever loses the permission can still look until the pass ends, but only while the database is away.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.views import redirect_to_login
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.crypto import salted_hmac

from operations.sources import Call, ask

PASS, PASS_S, SALT = "operator", 12 * 3_600, "operations.access"
VIEW, OPERATE = "operations.view_status", "operations.operate"
FORBIDDEN = "forbidden"

View = Callable[..., HttpResponse]


class Operator(NamedTuple):
    """Who looks at the page; `is_verified` is False for one who was let in by a pass, as the database is away."""

    user_id: int
    username: str
    may_operate: bool = False
    is_verified: bool = True


def for_operators(view: View, *, needs: str = VIEW) -> View:
    """Return a view that gets an Operator as its second argument; others get a redirect to the log-in, 403 or 503."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **options: Any) -> HttpResponse:
        session_key = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
        answer = ask(f"session {session_key}", Call("database", lambda: _operator(request, session_key)))
        operator = _of_pass(request, session_key) if answer.error else answer.value
        if answer.error and operator is None:
            return render(request, "admin/operations/away.html", {"error": answer.error}, status=503)
        if operator == FORBIDDEN:
            raise PermissionDenied
        if operator is None:
            return redirect_to_login(request.get_full_path(), reverse("admin:login"))
        if needs == OPERATE and not operator.may_operate:
            raise PermissionDenied
        response = view(request, operator, *args, **options)
        if operator.is_verified:
            _give_pass(response, session_key, operator)
        add_never_cache_headers(response)
        return response

    return guarded


def _operator(request: HttpRequest, session_key: str) -> Any:
    """Return the Operator whose session it is, FORBIDDEN without the permission, None for nobody on the staff.

    It is asked of a request of its own, because this thread may outlast the real one.
    """
    own: Any = HttpRequest()
    own.session = type(request.session)(session_key or None)
    user: Any = get_user(own)
    if not (user.is_active and user.is_staff):
        return None
    if not user.has_perm(VIEW):
        return FORBIDDEN
    return Operator(user.pk, user.get_username(), user.has_perm(OPERATE))


def _give_pass(response: HttpResponse, session_key: str, operator: Operator) -> None:
    content = signing.dumps([operator.user_id, operator.username, _digest(session_key)], salt=SALT)
    path = reverse("operations:page")
    secure = settings.SESSION_COOKIE_SECURE
    response.set_cookie(PASS, content, PASS_S, path=path, secure=secure, httponly=True, samesite="Strict")


def _of_pass(request: HttpRequest, session_key: str) -> Operator | None:
    try:
        user_id, username, digest = signing.loads(request.COOKIES.get(PASS, ""), salt=SALT, max_age=PASS_S)
    except (signing.BadSignature, ValueError, TypeError):  # the latter: another release's form of it
        return None
    return Operator(user_id, username, is_verified=False) if session_key and digest == _digest(session_key) else None


def _digest(session_key: str) -> str:
    return salted_hmac(SALT, session_key).hexdigest()
