"""Permissions: the status of every endpoint for every kind of caller; the table must cover the schema."""

import re

import pytest
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from popups.delivery.claims import new_claim, sign
from popups.models import Popup
from posts import services
from ratings import services as ratings
from tests.support import openapi_contract
from tests.support.cast import PASSWORD
from users.models import Login

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sampled]
WHO = ("anonymous", "expired", "refresh", "forged", "deactivated", "other", "owner", "staff")
PUBLIC = "public"
# method, address (alice is the owner), body, statuses for other, owner and staff; or PUBLIC and one status for all
TABLE = [
    ("POST", "users", {"username": "fresh", "password": PASSWORD}, PUBLIC, 201),
    ("POST", "auth/token", {"username": "alice", "password": PASSWORD}, PUBLIC, 200),
    ("POST", "auth/token/refresh", "refresh of alice", PUBLIC, 200),
    ("POST", "auth/logout", "refresh of alice", PUBLIC, 204),
    ("POST", "auth/password/reset", {"email": "alice@example.com"}, PUBLIC, 202),
    ("POST", "auth/password/reset/confirm", {"token": "x", "password": PASSWORD}, PUBLIC, 400),
    ("POST", "auth/email/confirm", {"token": "x"}, PUBLIC, 400),
    ("POST", "users/me/email", {"email": "x@example.com", "password": PASSWORD}, (202, 202, 202)),
    ("POST", "users/me/email", {"email": "x@example.com", "password": "x"}, (403, 403, 403)),
    ("GET", "users/me/sessions", None, (200, 200, 200)),
    ("DELETE", "users/me/sessions/{login}", None, (404, 204, 404)),
    ("POST", "users/me/password", {"old": PASSWORD, "new": PASSWORD}, (200, 200, 200)),
    ("POST", "users/me/password", {"old": "x", "new": PASSWORD}, (403, 403, 403)),
    ("GET", "users/me", None, (200, 200, 200)),
    ("PATCH", "users/me", {"city": "X"}, (200, 200, 200)),
    ("PATCH", "users/me", {"level": 9}, (400, 400, 400)),
    ("PATCH", "users/me/state", {"status": "away"}, (200, 200, 200)),
    ("GET", "users/{alice}", None, (200, 200, 200)),
    ("GET", "users/{alice}?fields=email", None, (403, 200, 403)),
    ("GET", "users/abc", None, (400, 400, 400)),
    ("GET", "users/99999999", None, (404, 404, 404)),
    ("GET", "users?ids={alice}", None, (200, 200, 200)),
    ("GET", "users?ids={alice}&fields=phone", None, (403, 200, 403)),
    ("GET", "users?username=alice", None, (200, 200, 200)),
    ("GET", "users", None, (400, 400, 400)),
    ("GET", "users/search?q=ali", None, (200, 200, 200)),
    ("GET", "users/search", None, (400, 400, 400)),
    ("GET", "users/{alice}/state", None, (200, 200, 200)),
    ("GET", "counters?targets=book:{alice}", None, (200, 200, 200)),
    ("GET", "counters?targets=unicorn:1", None, (400, 400, 400)),
    ("DELETE", "users/me", {"password": "x"}, (403, 403, 403)),
    ("DELETE", "users/me", {"password": PASSWORD}, (202, 202, 202)),
    ("POST", "users/me", None, (405, 405, 405)),
    ("GET", "users/me/export", None, (200, 200, 200)),
    ("PUT", "users/{alice}/follow", None, (200, 400, 200)),
    ("DELETE", "users/{alice}/follow", None, (200, 400, 200)),
    ("DELETE", "users/{alice}/follower", None, (200, 400, 200)),
    ("PUT", "users/{alice}/block", None, (200, 400, 200)),
    ("DELETE", "users/{alice}/block", None, (200, 400, 200)),
    ("GET", "users/{alice}/followers", None, (200, 200, 200)),
    ("GET", "users/{alice}/following", None, (200, 200, 200)),
    ("GET", "users/me/friends", None, (200, 200, 200)),
    ("GET", "users/me/blocks", None, (200, 200, 200)),
    ("GET", "users/profiles?ids={alice}", None, (200, 200, 200)),
    ("GET", "relationships?ids={alice}", None, (200, 200, 200)),
    ("POST", "posts", {"text": "Hello"}, (201, 201, 201)),
    ("POST", "posts", {"text": ""}, (400, 400, 400)),
    ("GET", "posts?ids={post}", None, (200, 200, 200)),
    ("GET", "posts/{post}", None, (200, 200, 200)),
    ("DELETE", "posts/{post}", None, (403, 204, 403)),
    ("PUT", "posts/{post}/like", None, (200, 200, 200)),
    ("DELETE", "posts/{post}/like", None, (200, 200, 200)),
    ("PUT", "posts/{post}/favorite", None, (200, 200, 200)),
    ("DELETE", "posts/{post}/favorite", None, (200, 200, 200)),
    ("GET", "posts/{post}/likers", None, (200, 200, 200)),
    ("GET", "posts/{post}/comments", None, (200, 200, 200)),
    ("POST", "posts/{post}/comments", {"text": "Hi"}, (201, 201, 201)),
    ("DELETE", "comments/{comment}", None, (403, 204, 403)),
    ("GET", "users/{alice}/posts", None, (200, 200, 200)),
    ("GET", "feed", None, (200, 200, 200)),
    ("GET", "favorites", None, (200, 200, 200)),
    ("GET", "favorites/check?ids={post}", None, (200, 200, 200)),
    ("POST", "ratings", {"title": "Tea house"}, (201, 201, 201)),
    ("GET", "ratings?ids={item}", None, (200, 200, 200)),
    ("GET", "ratings/{item}", None, (200, 200, 200)),
    ("PUT", "ratings/{item}/score", {"score": 5}, (200, 200, 200)),
    ("PUT", "ratings/{item}/score", {"score": 11}, (400, 400, 400)),
    ("GET", "ratings/99999999", None, (404, 404, 404)),
    ("DELETE", "ratings/{item}/score", None, (200, 200, 200)),
    ("GET", "popups/next?placement=home", None, (200, 200, 200)),
    ("GET", "popups/next", None, (400, 400, 400)),
    ("POST", "popups/{popup}/events", {"claim": "of alice", "type": "click"}, (404, 202, 404)),
    ("POST", "reports", {"kind": "user", "id": "of alice", "reason": "spam"}, (201, 400, 201)),
]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row[0]} {row[1]}")
@pytest.mark.parametrize("who", WHO)
def test_who_may(api, alice, bob, dora, sam, who, row):
    method, address, body, *expected = row
    if body == "refresh of alice":
        body = {"refresh": str(RefreshToken.for_user(alice))}
    things = hers(alice)
    if body == {"claim": "of alice", "type": "click"}:
        body = {**body, "claim": sign(new_claim(), user_id=alice.pk, popup_id=things["popup"])}
    if body and body.get("id") == "of alice":
        body = {**body, "id": alice.pk}
    address = address.format(alice=alice.pk, **things)
    answer = api.request(method, address, body, by=_token(who, alice, bob, dora, sam))
    if expected[0] == PUBLIC:
        assert answer.status == expected[1]
    elif expected[0] == (405, 405, 405):
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, PATCH, DELETE")
    elif who in ("other", "owner", "staff"):
        assert answer.status == expected[0][("other", "owner", "staff").index(who)]
    else:
        codes = {"anonymous": "not_authenticated", "deactivated": "user_inactive"}
        assert (answer.status, answer.json["code"]) == (401, codes.get(who, "token_not_valid"))
        assert answer.headers["www-authenticate"] == "Bearer"


def hers(alice):
    post = services.publish(author_id=alice.pk, text="Hello")
    return {
        "post": post.pk,
        "comment": services.comment(post_id=post.pk, author_id=alice.pk, text="And on").pk,
        "item": ratings.publish(title="Tea house").pk,
        "popup": Popup.objects.create(title="Hello").pk,
        "login": Login.objects.create(user=alice).pk,
    }


def _token(who, alice, bob, dora, sam):
    if who == "expired":
        token = AccessToken.for_user(alice)
        token.set_exp(lifetime=-token.lifetime)
        return str(token)
    if who == "refresh":
        return str(RefreshToken.for_user(alice))
    if who == "forged":
        return str(AccessToken.for_user(alice))[:-4] + "AAAA"
    return {"anonymous": None, "deactivated": dora, "other": bob, "owner": alice, "staff": sam}[who]


def test_the_table_is_complete():
    described = {
        (method.upper(), re.sub(r"{(\w+)_id}", r"{\1}", path.removeprefix("/api/v1/")).replace("{user}", "{alice}"))
        for path, operations in openapi_contract.document()["paths"].items()
        for method in operations
        if path.startswith("/api/v1/")
    }
    assert described <= {(method, address.partition("?")[0]) for method, address, *_ in TABLE}


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        "Bearer a b",
        "Bearer é",
        "bearer\0x",
        "Token abc",
        "Bearer a.b.c",
        "Bearer " + "x" * 20_000,
    ],
)
def test_strange_authorization_headers(api, header):
    assert api.get("users/me", headers={"authorization": header}).status == 401


def test_a_token_expires_while_it_is_remembered(api, alice, monkeypatch):
    import time

    token = str(AccessToken.for_user(alice))
    assert api.get("users/me", by=token).status == 200
    now = time.time()
    monkeypatch.setattr("api.tokens.time.time", lambda: now + 3_601)
    assert api.get("users/me", by=token).json["code"] == "token_not_valid"


@pytest.mark.parametrize("user_id", ["0", "abc", "9223372036854775808", ""])
def test_a_signed_token_with_a_strange_user_id(api, alice, user_id):
    token = AccessToken.for_user(alice)
    token["user_id"] = user_id
    assert api.get("users/me", by=str(token)).status == 401


def test_a_deleted_user_is_refused_at_once(api, alice):
    token = str(AccessToken.for_user(alice))
    assert api.get("users/me", by=token).status == 200
    alice.delete()
    assert api.get("users/me", by=token).json["code"] == "user_inactive"
