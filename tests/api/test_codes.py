"""The codes of errors are a closed list: nothing else can be answered, and the schema describes each."""

import ast
import importlib
import pkgutil
from pathlib import Path

import pytest
from django.db import Error
from rest_framework import exceptions

from api import codes, problems
from api.throttles import Throttled
from config.environment import BASE_DIR
from serving.requests.refusals import Refusal
from tests.support import openapi_contract
from tests.support.cast import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)
MADE_BY = {"Problem": 1, "Refusal": 1, "bad_input": 2}  # by the place of the code among the arguments
# The functions of these modules pass on a code that their callers give, or that DRF gives, which is checked below.
PASSING_ON = {"api/problems.py", "api/codes.py"}


def sources():
    packages = ("api", "config", "counters", "jobs", "popups", "posts", "ratings", "serving", "social", "users")
    found = [path for package in (*packages, "reports") for path in (BASE_DIR / package).rglob("*.py")]
    return [path for path in found if "migrations" not in path.parts]


def codes_in(path: Path):
    """Yield (line, code) of each error that a module makes; None for a code that is no literal."""
    for node in ast.walk(ast.parse(path.read_text())):
        name = isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", ""))
        if name in MADE_BY:
            given = [each.value for each in node.keywords if each.arg == "code"] or node.args[MADE_BY[name] :][:1]
            if given or name != "bad_input":
                yield node.lineno, getattr(given[0], "value", None)


def test_every_code_in_the_source_is_listed():
    used = set()
    for path in sources():
        where = path.relative_to(BASE_DIR).as_posix()
        for line, code in codes_in(path):
            assert where in PASSING_ON or code in codes.CODES, f"{where}:{line} makes an error with the code {code}"
            used.add(code)
    from_django = {"parse_error", "method_not_allowed", "not_acceptable", "unsupported_media_type", "permission_denied"}
    given_by_validation = {"username_taken", "weak_password"}
    assert set(codes.CODES) - used <= from_django | given_by_validation | {"bad_input", "throttled"}


def test_no_other_code_can_be_made():
    for make in (problems.Problem, Refusal):
        for status, code in ((400, "no_such_code"), (404, "bad_input"), (200, "bad_input")):
            with pytest.raises(ValueError, match=r"not in api/codes\.py"):
                make(status, code, "No.")


def test_every_exception_of_drf_and_django_has_a_listed_code():
    kinds = [each for each in vars(exceptions).values() if isinstance(each, type) and issubclass(each, Exception)]
    for kind in kinds:
        needs = {exceptions.MethodNotAllowed: ("GET",), exceptions.UnsupportedMediaType: ("x",)}.get(kind, ())
        problem = problems.as_problem(kind(*needs)) if kind is not exceptions.ErrorDetail else None
        if problem is not None:
            assert codes.is_listed(problem.status_code, problem.code), kind
    for kind, _ in problems.TRANSLATIONS[3:]:
        problem = problems.as_problem(kind(1213 if kind is Error else "x"))
        assert codes.is_listed(problem.status_code, problem.code), kind


def test_every_429_says_when_to_come_again():
    for problem in (
        Throttled("x", 3),
        problems.as_problem(exceptions.Throttled()),
        problems.Problem(429, "throttled", "x"),
    ):
        assert int(problems.problem_response(problem)["Retry-After"]) >= 1


def test_the_schema_lists_them():
    """A client that is generated knows them all, and that there is no other one."""
    schemas = openapi_contract.document()["components"]["schemas"]
    listed = schemas["Problem"]["properties"]["code"]
    name = (listed.get("$ref") or listed["allOf"][0]["$ref"]).rpartition("/")[2]
    assert schemas[name]["enum"] == list(codes.CODES)


def test_codes_are_documented():
    text = (BASE_DIR / "docs" / "api.md").read_text()
    for name, code in codes.CODES.items():
        assert f"| `{name}` | {', '.join(map(str, code.statuses))} | {code.meaning} |" in text


def test_modules_with_errors_can_be_imported():
    """An error at the level of a module would be noticed here; those within functions by their tests."""
    for package in ("api", "users", "posts", "ratings", "social"):
        for module in pkgutil.iter_modules([str(BASE_DIR / package)]):
            importlib.import_module(f"{package}.{module.name}")


REGISTRATIONS = [
    ({"username": "ALICE", "password": PASSWORD}, "username_taken", ["username"]),
    ({"username": "fresh", "password": "12345678"}, "weak_password", ["password"]),
    ({"username": "alice", "password": "123"}, "username_taken", ["username", "password"]),
    ({"username": "a", "password": "123", "nickname": "\u202e"}, "weak_password", ["username", "nickname", "password"]),
    ({"username": "alice", "password": PASSWORD, "nickname": "x" * 65}, "username_taken", ["username", "nickname"]),
    ({"username": "a", "password": PASSWORD}, "bad_input", ["username"]),
    ({"username": "alice", "password": PASSWORD, "level": 3}, "bad_input", ["level"]),
    ({"password": "alicealice1", "username": "alicealice"}, "weak_password", ["password"]),
    ({"password": "123"}, "weak_password", ["username", "password"]),
    ({"password": 5, "username": "fresh"}, "bad_input", ["password"]),
    ({"username": "fresh"}, "bad_input", ["password"]),
]


@pytest.mark.parametrize(("body", "code", "fields"), REGISTRATIONS)
def test_several_errors_at_once(api, alice, body, code, fields):
    answer = api.post("users", body)
    assert (answer.status, answer.json["code"]) == (400, code), answer
    assert sorted(answer.json["errors"]) == sorted(fields), answer
    assert all(answer.json["errors"].values())


def test_weak_passwords_elsewhere(api, alice):
    answer = api.post("users/me/password", {"old": PASSWORD, "new": "12345678"}, by=alice)
    assert (answer.status, answer.json["code"], list(answer.json["errors"])) == (400, "weak_password", ["new"])
