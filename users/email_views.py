"""Mail addresses over HTTP: asked for with the password, and confirmed with a token that was mailed."""

from contextlib import suppress
from hashlib import sha256

from django.http import HttpResponse
from rest_framework.request import Request

from api import throttles
from api.inputs import validated
from api.json import json_response
from api.problems import Problem, bad_input
from api.schema import described
from api.views import BatchedView, inactive_account
from users import emails
from users.models import User
from users.password_changes import BadToken, WrongPassword
from users.schemas import output
from users.schemas.input import EmailConfirmInput, EmailInput


def address_key(email: str) -> str:
    """Return what throttles count as one mail address."""
    return sha256(email.lower().encode()).hexdigest()


class OwnEmailView(BatchedView):
    """Endpoint /api/v1/users/me/email: POST asks for another mail address."""

    throttle = "password"  # few: whoever has found an unlocked phone may guess

    @described(answers={202: output.ResetRequested}, problems=("wrong_password",), body=EmailInput)
    def post(self, request: Request) -> HttpResponse:
        """Ask for another mail address.

        A token is mailed to it; until it is confirmed, the account keeps the old one. Answers the same whether another
        account has the address.
        """
        given = validated(EmailInput, request.data)
        try:
            emails.require_password(self.caller_id, given["password"])
            throttles.admit("email", self.caller_id)
            with suppress(throttles.Throttled):  # there were enough mails to this address
                throttles.admit("email_address", address_key(given["email"]))
                emails.request_change(self.caller_id, given["email"])
        except WrongPassword:
            raise Problem(403, "wrong_password", "The password is not the account's.") from None
        except User.DoesNotExist:
            raise inactive_account() from None
        return json_response({"email": given["email"]}, status=202)


class EmailConfirmView(BatchedView):
    """Endpoint /api/v1/auth/email/confirm: POST sets the mail address to which a token was mailed."""

    public = {"POST": "reset"}

    @described(answers={200: output.EmailConfirmed}, problems=("bad_token",), body=EmailConfirmInput, public=True)
    def post(self, request: Request) -> HttpResponse:
        """Confirm a mail address by the token from a mail.

        The token works once, for a day.
        """
        try:
            user = emails.confirm(validated(EmailConfirmInput, request.data)["token"])
        except BadToken:
            message = "This token is not valid, has expired or was used, or another account has confirmed the address."
            raise bad_input("token", message, "bad_token") from None
        return json_response({"username": user.username, "email": user.email})
