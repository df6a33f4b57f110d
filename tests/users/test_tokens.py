"""Every kind of token that is not a valid one is a clean 401, in views and in the hot lane alike."""

import base64
import json
import time

import jwt
import pytest
from django.conf import settings
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

pytestmark = pytest.mark.django_db(transaction=True)

GONE = object()
HUGE = 10**400
WRONG = [
    True,
    False,
    None,
    "",
    "x",
    "12",
    1.5,
    -1,
    0,
    HUGE,
    -HUGE,
    1e300,
    float("inf"),
    float("nan"),
    [],
    [1],
    {},
    {"a": 1},
]
STRANGE_CLAIMS = [
    *[("exp", value) for value in [GONE, *WRONG, 10**18, 2**63, str(10**10), 10**10 + 0.5]],
    *[("iat", value) for value in WRONG if value not in (0, -1, -HUGE) or value is False],
    *[("nbf", value) for value in WRONG if value not in (0, -1, -HUGE) or value is False],
    *[("jti", value) for value in [GONE, True, None, 1, 1.5, HUGE, [], {}]],
    *[("token_type", value) for value in [GONE, *WRONG, "sliding", ["access", "refresh"]]],
    *[("user_id", value) for value in [GONE, *WRONG, 2**63, "1.0", " 1", "1\n", ["1"]] if value != "12"],
    *[("login", value) for value in WRONG],
    *[("generation", value) for value in WRONG if value != 0 or value is False],
    *[("iat", time.time() + 3600), ("nbf", int(time.time()) + 3600), ("sub", 5)],
]


def text_of(claims, *, key=None, **options):
    return jwt.encode(claims, key or settings.SECRET_KEY, **{"algorithm": "HS256", **options})


def changed(kind, user, **changes):
    claims = {**kind.for_user(user).payload, **changes}
    return text_of({name: value for name, value in claims.items() if value is not GONE})


def unsigned(header, payload):
    parts = [header if isinstance(header, bytes) else json.dumps(header).encode(), json.dumps(payload).encode(), b"x"]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def is_refused(api, token):
    """Check a token as an access token of a view, and as a refresh token of a refresh and a log-out."""
    answers = [
        api.get("users/me", by=token),
        api.post("auth/token/refresh", {"refresh": token}),
        api.post("auth/logout", {"refresh": token}),
    ]
    return [(answer.status, answer.json["code"]) for answer in answers] == [(401, "token_not_valid")] * 3


IDS = [f"{name}-{number}" for number, (name, _) in enumerate(STRANGE_CLAIMS)]  # the same in each process


@pytest.mark.parametrize(("name", "value"), STRANGE_CLAIMS, ids=IDS)
def test_a_signed_token_with_a_strange_claim(api, alice, name, value):
    access, refresh = (changed(kind, alice, **{name: value}) for kind in (AccessToken, RefreshToken))
    assert api.get("users/me", by=access).json["code"] == "token_not_valid"
    for address in ("auth/token/refresh", "auth/logout"):
        answer = api.post(address, {"refresh": refresh})
        assert (answer.status, answer.json["code"]) == (401, "token_not_valid"), address


@pytest.mark.filterwarnings("ignore:The HMAC key")
def test_a_token_that_is_signed_otherwise(api, alice):
    claims = AccessToken.for_user(alice).payload
    assert is_refused(api, text_of(claims, key="x" * 50))
    assert is_refused(api, text_of(claims, algorithm="HS512"))
    for alg in ("none", "None", "", None, 1, ["HS256"], {"HS256": 1}, "RS256"):
        assert is_refused(api, unsigned({"alg": alg, "typ": "JWT"}, claims)), alg
    for header in (
        [],
        "x",
        {},
        {"alg": "HS256", "kid": 1},
        {"alg": "HS256", "b64": False},
        {"alg": "HS256", "crit": 1},
    ):
        assert is_refused(api, unsigned(header, claims)), header
    assert is_refused(api, unsigned(b"[" * 2_500, {}))
    assert is_refused(api, unsigned(b'{"alg":' + b"9" * 2_500 + b"}", {}))


def test_a_token_of_the_other_type(api, alice):
    assert api.get("users/me", by=str(RefreshToken.for_user(alice))).json["code"] == "token_not_valid"
    for address in ("auth/token/refresh", "auth/logout"):
        assert api.post(address, {"refresh": str(AccessToken.for_user(alice))}).json["code"] == "token_not_valid"


@pytest.mark.parametrize("name", ["iat", "nbf"])
def test_clocks_may_differ_by_ten_seconds(api, alice, name):
    soon, later = (changed(AccessToken, alice, **{name: int(time.time()) + ahead}) for ahead in (3, 20))
    assert api.get("users/me", by=soon).status == 200
    assert api.get("users/me", by=later).status == 401


def test_an_expired_token_has_no_leeway(api, alice):
    for kind in (AccessToken, RefreshToken):
        token = changed(kind, alice, exp=int(time.time()) - 2)
        assert is_refused(api, token)
