"""Login and the refresh of access tokens."""

from django.contrib.auth import authenticate
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import RefreshToken

from api.inputs import validated
from api.json import json_response
from api.problems import Problem
from api.schema import described
from api.tokens import user_id_of
from api.views import BatchedView
from users import login_throttle
from users.models import User
from users.schemas import output
from users.schemas.input import LoginInput, RefreshInput


class TokenView(BatchedView):
    """Endpoint /api/v1/auth/token: POST checks a username and password, and returns access and refresh tokens."""

    public = {"POST": "token"}

    @described(answers={200: output.Tokens}, problems=(401,), body=LoginInput, public=True)
    def post(self, request: Request) -> HttpResponse:
        """Log in: returns an access token for requests, and a refresh token to get further access tokens."""
        given = validated(LoginInput, request.data)
        with login_throttle.attempt(request._request, given["username"]):
            # An unknown username takes as long as a wrong password: ModelBackend computes a hash in both cases.
            user = authenticate(request._request, **given)
            if user is None:
                raise Problem(401, "bad_credentials", "There is no active account with this username and password.")
        refresh = RefreshToken.for_user(user)
        return json_response({"access": str(refresh.access_token), "refresh": str(refresh)})


class RefreshView(BatchedView):
    """Endpoint /api/v1/auth/token/refresh: POST exchanges a refresh token for a new access token."""

    public = {"POST": "token"}

    @described(answers={200: output.Access}, problems=(401,), body=RefreshInput, public=True)
    def post(self, request: Request) -> HttpResponse:
        """Get a new access token, as long as the account is active."""
        text = validated(RefreshInput, request.data)["refresh"]
        try:
            refresh = RefreshToken(text)
        except TokenError:
            raise _invalid() from None
        if not _is_active(user_id_of(refresh)):
            raise _invalid()
        return json_response({"access": str(refresh.access_token)})


def _is_active(user_id: int) -> bool:
    try:
        return User.objects.get_one_cols(user_id, "is_active")["is_active"]
    except User.DoesNotExist:
        return False


def _invalid() -> Problem:
    return Problem(401, "token_not_valid", "The refresh token is not valid or has expired; log in again.")
