"""Passwords over HTTP: changed with the old one, or with a token that was mailed."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.http import HttpResponse
from rest_framework.request import Request

from api import throttles
from api.inputs import validated
from api.json import json_response
from api.problems import Problem, bad_input
from api.schema import described
from api.views import BatchedView, inactive_account
from users import password_changes, reset_mailer
from users.auth_views import user_agent
from users.email_views import address_key
from users.models import User
from users.schemas import output
from users.schemas.input import PasswordChangeInput, ResetConfirmInput, ResetInput, weak_password


@contextmanager
def _strong(field: str) -> Iterator[None]:
    try:
        yield
    except password_changes.WeakPassword as error:
        raise weak_password(field, error.messages) from None


class OwnPasswordView(BatchedView):
    """Endpoint /api/v1/users/me/password: POST changes the caller's password."""

    throttle = "password"  # few: whoever has found an unlocked phone may guess

    @described(answers={200: output.Tokens}, problems=("wrong_password", "weak_password"), body=PasswordChangeInput)
    def post(self, request: Request) -> HttpResponse:
        """Change the password.

        Every login of the account ends at once; the answer has the tokens of a new one.
        """
        given = validated(PasswordChangeInput, request.data)
        try:
            with _strong("new"):
                issued = password_changes.change_password(self.caller_id, **given, user_agent=user_agent(request))
        except password_changes.WrongPassword:
            raise Problem(403, "wrong_password", "The old password is not the account's.") from None
        except User.DoesNotExist:
            raise inactive_account() from None
        return json_response(issued)


class ResetView(BatchedView):
    """Endpoint /api/v1/auth/password/reset: POST asks for a mail with a token."""

    public = {"POST": "reset"}

    @described(answers={202: output.ResetRequested}, body=ResetInput, public=True)
    def post(self, request: Request) -> HttpResponse:
        """Ask for a mail to set a new password.

        A mail with a token goes to the accounts that have this address. The answer is the same, and comes in the same
        time, whether there are any.
        """
        email = validated(ResetInput, request.data)["email"]
        with suppress(throttles.Throttled):  # there were enough mails to this address
            throttles.admit("reset_email", address_key(email))
            reset_mailer.request_reset(email)
        return json_response({"email": email}, status=202)


class ResetConfirmView(BatchedView):
    """Endpoint /api/v1/auth/password/reset/confirm: POST sets a new password by a token from a mail."""

    public = {"POST": "reset"}

    @described(
        answers={200: output.ResetAccount},
        problems=("bad_token", "weak_password"),
        body=ResetConfirmInput,
        public=True,
    )
    def post(self, request: Request) -> HttpResponse:
        """Set a new password by the token from a mail.

        The token works once, for 60 minutes. Every login of the account ends at once; log in with the new password.
        """
        given = validated(ResetConfirmInput, request.data)
        try:
            with _strong("password"):
                user = password_changes.reset_password(given["token"], password=given["password"])
        except password_changes.BadToken:
            raise bad_input("token", "This token is not valid, has expired or was used.", "bad_token") from None
        return json_response({"username": user.username})
