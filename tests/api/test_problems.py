"""Every error under /api/ is answered by a problem document, never by HTML."""

import pytest
from django.db import OperationalError
from django.test import Client, RequestFactory

from api import problems
from tests.support.empty_redis import empty_redis
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)
DEEP = b"[" * 200_000
BODIES = {
    "empty": b"", "not json": b"{", "nan": b'{"city": NaN}',
    "infinity": b'{"city": Infinity}', "huge number": b'{"city": 1e999}',
    "lone surrogate": rb'{"city": "\ud800"}', "not utf-8": b'{"city": "\xff"}',
    "utf-16": '{"city": "x"}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"city": "x"}', "list": b"[]", "string": b'"x"', "null": b"null",
    "number": b"1", "deep": DEEP,
    "form": b"city=x", "control": b'{"city": "\x01"}', "nul": rb'{"city": "\u0000"}', "trailing": b'{"city": "x"} x',
}  # fmt: skip


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_bad_bodies(api, alice, body):
    for method, path, by in (("PATCH", "users/me", alice), ("POST", "users", None), ("POST", "auth/token", None)):
        answer = api.request(method, path, body, by=by)
        if body == b"" and method == "PATCH":
            assert answer.status == 200  # nothing to change
        else:
            assert (answer.status, answer.headers["content-type"]) == (400, "application/problem+json")
            assert {"type", "title", "status", "detail", "code"} <= set(answer.json)
    assert User.objects.get(pk=alice.pk).city == ""


def test_the_last_of_duplicate_keys_counts(api, alice):
    assert api.patch("users/me", b'{"city": "x", "city": "y"}', by=alice).json["city"] == "y"


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "",
        "application/json; charset=utf-16",
        "x",
        ";",
    ],
)
def test_other_content_types(api, alice, content_type):
    answer = api.patch("users/me", b'{"city": "x"}', by=alice, content_type=content_type)
    assert (answer.status, answer.json["code"]) == (415, "unsupported_media_type")
    for good in ("application/json; charset=UTF-8", "APPLICATION/JSON", 'application/json; charset="utf-8"'):
        assert api.patch("users/me", b'{"city": "x"}', by=alice, content_type=good).status == 200


def test_too_large(api, alice, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000
    answer = api.patch("users/me", {"bio": "x" * 1_000}, by=alice)
    assert (answer.status, answer.json["code"]) == (413, "too_large")


def test_chunks_are_refused_rather_than_lost(api, alice):
    answer = api.patch("users/me", b"", by=alice, headers={"transfer-encoding": "chunked"})
    assert (answer.status, answer.json["code"]) == (411, "length_required")


def test_too_many_query_parameters(api, alice):
    assert api.get("users?" + "&".join(f"a{n}=1" for n in range(1_100)), by=alice).status == 400


def test_the_accept_header_is_not_negotiated(api, alice):
    for accept in ("text/html", "image/png", "application/xml;q=1", "junk", "*/*"):
        answer = api.get("users/me", by=alice, headers={"accept": accept})
        assert (answer.status, answer.headers["content-type"]) == (200, "application/json")


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize(
    "path", ["nope", "users/", "users/1/", "users/1/nope", "users//state", "auth", "", "users/me/me"]
)
def test_unknown_addresses(api, settings, debug, path):
    settings.DEBUG = debug
    for method in ("GET", "POST", "DELETE"):
        answer = api.request(method, path)
        assert (answer.status, answer.json["code"]) == (404, "not_found")


def test_an_unknown_address_is_not_taken_for_a_forgery():
    answer = Client(enforce_csrf_checks=True).post("/api/v1/nope")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_other_methods(api, alice):
    for method, path, allowed in (
        ("PUT", "users/me", "GET, HEAD, PATCH, DELETE"),
        ("OPTIONS", "users/me", "GET, HEAD, PATCH, DELETE"),
        ("TRACE", "users", "GET, HEAD, POST"),
        ("GET", "auth/token", "POST"),
        ("BREW", "users/1", "GET, HEAD"),
    ):
        answer = api.request(method, path, by=alice)
        assert (answer.status, answer.json["code"]) == (405, "method_not_allowed")
        assert {*answer.headers["allow"].split(", ")} == {*allowed.split(", ")}


def test_head_is_get_without_a_body(api, alice):
    assert (api.head("users/me", by=alice).status, api.head("users/abc", by=alice).status) == (200, 400)


def test_a_database_that_is_away_is_503_even_while_authenticating(api, alice, bob, monkeypatch):
    def away(*args, **kwargs):
        raise OperationalError("(2002) cannot connect")

    api.get("users/me", by=alice)
    with monkeypatch.context() as patch:
        patch.setattr("django.db.backends.utils.CursorWrapper.execute", away)
        assert api.get("users/me", by=alice).status == 200  # Redis has all it takes
        empty_redis()
        for answer in (
            api.get("users/me", by=alice),
            api.get(f"users?ids={bob.pk}", by=alice),
            api.get("users/search?q=x", by=alice),
            api.post("auth/token", {"username": "a", "password": "b"}),
        ):
            assert (answer.status, answer.json["code"]) == (503, "database_unavailable")
            assert int(answer.headers["retry-after"]) >= 1
            assert "2002" not in answer.json["detail"]


def test_a_page_while_the_database_is_away_is_a_503_and_one_line(root, monkeypatch, caplog):
    def away(*args, **kwargs):
        raise OperationalError(2002, "cannot connect")

    root.raise_request_exception = False
    monkeypatch.setattr("django.db.backends.utils.CursorWrapper.execute", away)
    answers = [root.get("/admin/users/user/") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503] * 3
    assert answers[0].headers["retry-after"] == "2"
    assert b"The database does not answer" in answers[0].content
    monkeypatch.undo()
    (away_line,) = [record for record in caplog.records if record.name == "api.outages"]
    assert "cannot be reached ((2002, 'cannot connect'))" in away_line.getMessage()


def test_a_bug_is_a_500_that_tells_nothing(api, alice, monkeypatch):
    def broken(*args):
        raise KeyError("secret detail")

    monkeypatch.setattr("users.views.columns_of", broken)
    http = Client(raise_request_exception=False)
    token = api.post("auth/token", {"username": "alice", "password": "correct-horse-battery"}).json["access"]
    answer = http.patch(
        "/api/v1/users/me", b"{}", content_type="application/json", headers={"authorization": f"Bearer {token}"}
    )
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert b"secret" not in answer.content


def test_a_wrong_host_is_a_problem_too(settings):
    settings.ALLOWED_HOSTS = ["good.example"]
    answer = Client().get("/api/v1/users/me", headers={"host": "evil.example"})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


def test_pages_outside_of_the_api_keep_djangos_own_errors():
    request = RequestFactory().get("/elsewhere")
    for handler in (problems.handler400, problems.handler403, problems.handler404):
        assert "html" in handler(request, Exception("x")).headers["content-type"]
    assert "html" in problems.handler500(request).headers["content-type"]


def test_forbidden_under_the_api_is_a_problem():
    answer = problems.handler403(RequestFactory().get("/api/v1/users"), Exception("x"))
    assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")
