"""Login, log-out, and the refresh of tokens."""

from django.contrib.auth import authenticate
from django.http import HttpResponse
from rest_framework.request import Request

from api import throttles, tokens
from api.inputs import validated
from api.json import json_response, no_content
from api.problems import Problem
from api.schema import described
from api.views import BatchedView
from users import login_throttle, logins
from users.models import User
from users.schemas import output
from users.schemas.input import LoginInput, RefreshInput


def user_agent(request: Request) -> str:
    """Return how the client calls itself."""
    return request._request.META.get("HTTP_USER_AGENT", "")


class TokenView(BatchedView):
    """Endpoint /api/v1/auth/token: POST checks a username and password, and returns access and refresh tokens."""

    public = {"POST": "token"}

    @described(answers={200: output.Tokens}, problems=("bad_credentials",), body=LoginInput, public=True)
    def post(self, request: Request) -> HttpResponse:
        """Log in.

        The access token goes with each request, for 60 minutes; the refresh token gets new tokens, for 30 days. Blanks
        around the username and the case of its letters are ignored. After too many wrong passwords for an account the
        answer is 429, for a minute at most.
        """
        given = validated(LoginInput, request.data)
        with login_throttle.attempt(request._request, given["username"]):
            # An unknown username takes as long as a wrong password: ModelBackend computes a hash in both cases.
            user = authenticate(request._request, **given)
            if not isinstance(user, User):
                raise _bad_credentials()
        try:
            issued = logins.begin(user.pk, generation=user.token_generation, user_agent=user_agent(request))
        except User.DoesNotExist:
            raise _bad_credentials() from None
        return json_response(issued)


class RefreshTokenView(BatchedView):
    """Base of endpoints that take a refresh token instead of an access token."""

    public = {"POST": ""}

    def admit(self, request: Request) -> tokens.Claims:
        """Return the claims of the refresh token in the body; raise the 401, the 400 or the 429.

        A valid token is counted for its user: many users may share one address, and one of them may guess.
        """
        claims = tokens.refresh_claims(validated(RefreshInput, request.data)["refresh"])
        if claims is None:
            throttles.admit("bad_refresh", throttles.client_address(request._request))
            raise _not_valid()
        throttles.admit("refresh", claims.user_id)
        return claims


class RefreshView(RefreshTokenView):
    """Endpoint /api/v1/auth/token/refresh: POST exchanges a refresh token for new tokens."""

    @described(answers={200: output.Tokens}, problems=("token_not_valid",), body=RefreshInput, public=True)
    def post(self, request: Request) -> HttpResponse:
        """Get new tokens.

        The refresh token that was sent is used up: keep the new one before anything else. One that is sent again ends
        the login, so refresh with one request at a time.
        """
        claims = self.admit(request)
        try:
            return json_response(logins.refresh(claims, user_agent=user_agent(request)))
        except (logins.NotHonoured, User.DoesNotExist):
            raise _not_valid() from None


class LogoutView(RefreshTokenView):
    """Endpoint /api/v1/auth/logout: POST ends the login of a refresh token."""

    @described(answers={204: None}, problems=("token_not_valid",), body=RefreshInput, public=True)
    def post(self, request: Request) -> HttpResponse:
        """Log out.

        Ends all refresh and access tokens of this login at once; other logins of the account go on. May be repeated.
        """
        logins.end(self.admit(request))
        return no_content()


def _bad_credentials() -> Problem:
    return Problem(401, "bad_credentials", "There is no active account with this username and password.")


def _not_valid() -> Problem:
    return Problem(401, "token_not_valid", "The refresh token is not valid or has expired; log in again.")
