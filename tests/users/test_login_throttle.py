"""Passwords cannot be guessed at any door, by one address or by many, and nobody is locked out for long."""

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.conf import settings as project
from django.db import connection
from django.test import Client

from api.logs.limits import RateLimit
from caching.api import redis_client
from tests.support.api_client import ApiClient
from tests.support.cast import PASSWORD
from tests.support.circuit_breaker import fresh_breaker

pytestmark = pytest.mark.django_db(transaction=True)
LOGIN = "/admin/login/"
HOME, STRANGE, ELSEWHERE = "203.0.113.7", "198.51.100.1", "192.0.2.9"
DEFAULTS = dict(project.THROTTLES)
SLOWLY = 1 / 3600  # so slow that nothing flows back during a test


def by_api(username: str, password: str, address: str):
    return ApiClient().post("auth/token", {"username": username, "password": password}, REMOTE_ADDR=address)


def by_admin(username: str, password: str, address: str) -> str:
    page = Client().post(LOGIN, {"username": username, "password": password}, REMOTE_ADDR=address)
    return page.content.decode() if page.status_code == 200 else "logged in"


@pytest.fixture
def logged(caplog):
    """The lines of the throttle, without the limit of their rate."""
    log = logging.getLogger("users.login_throttle")
    before, log.handlers = log.handlers, [caplog.handler]
    yield caplog
    log.handlers = before


def test_both_doors_have_one_budget_for_an_address(settings, sam, bob):
    settings.THROTTLES = {"token": (SLOWLY, 4)}
    assert by_api("bob", "wrong", HOME).status == 401
    assert "Please enter the correct username" in by_admin("sam", "wrong", HOME)
    assert by_api("bob", PASSWORD, HOME).status == 200
    assert by_admin("sam", PASSWORD, HOME) == "logged in"
    assert "Too many requests; try again in 3" in by_admin("sam", PASSWORD, HOME)
    assert by_api("bob", PASSWORD, HOME).status == 429
    assert by_admin("sam", PASSWORD, ELSEWHERE) == "logged in"


def test_sixty_guesses_at_the_admin_are_few(settings, sam, logged):
    settings.THROTTLES = {scope: (SLOWLY, DEFAULTS[scope][1]) for scope in ("token", "account")}
    pages = [by_admin("sam", f"guess {n}", HOME) for n in range(60)]
    assert sum("Please enter the correct username" in page for page in pages) == 10
    assert sum("Too many attempts to log in to this account; try again in" in page for page in pages) == 20
    assert sum("Too many requests; try again in" in page for page in pages) == 30
    assert len(logged.messages) == 30


def test_both_doors_have_one_budget_for_an_account_whatever_the_address_and_the_spelling(settings, sam):
    settings.THROTTLES = {"account": (SLOWLY, 4)}
    assert by_api("sam", "wrong", "198.51.100.1").status == 401
    assert by_api("SAM", "wrong", "198.51.100.2").status == 401
    assert by_api(" sám ", "wrong", "2001:db8::1").status == 401
    assert "Please enter" in by_admin("ｓａｍ", "wrong", "198.51.100.4")
    refused = by_api("sam", PASSWORD, "198.51.100.5")
    assert (refused.status, refused.json["code"]) == (429, "throttled")
    assert 3500 < int(refused.headers["retry-after"]) <= 3600
    assert "try again in" in by_admin("sam", PASSWORD, "198.51.100.6")
    assert by_api("bob", "wrong", STRANGE).status == 401


def test_an_unknown_account_is_throttled_alike(settings, db):
    settings.THROTTLES = {"account": (SLOWLY, 2)}
    assert [by_api("nobody", "wrong", f"192.0.2.{n}").status for n in range(4)] == [401, 401, 429, 429]


def test_right_passwords_do_not_count(settings, bob):
    settings.THROTTLES = {"account": (SLOWLY, 1)}
    assert {by_api("bob", PASSWORD, f"192.0.2.{n}").status for n in range(5)} == {200}


def test_a_right_password_of_someone_who_is_no_staff_counts_at_the_admin(settings, bob):
    settings.THROTTLES = {"account": (SLOWLY, 2)}
    pages = [by_admin("bob", PASSWORD, HOME) for _ in range(3)]
    assert ["Please enter" in page for page in pages] == [True, True, False]


def test_strangers_do_not_lock_out_a_known_address(settings, bob):
    settings.THROTTLES = {"account": (SLOWLY, 2)}
    assert by_api("bob", PASSWORD, HOME).status == 200
    assert [by_api("bob", "wrong", STRANGE).status for _ in range(3)] == [401, 401, 429]
    assert [by_api("bob", PASSWORD, HOME).status for _ in range(3)] == [200, 200, 200]
    assert [by_api("bob", "wrong", HOME).status for _ in range(3)] == [401, 401, 429]  # and has a budget of its own
    assert by_api("bob", PASSWORD, STRANGE).status == 429


@pytest.mark.parametrize("password", ["", "\0"])
def test_no_password_makes_an_address_known(settings, sam, password):
    settings.THROTTLES = {"account": (SLOWLY, 2)}
    assert "logged in" not in by_admin("sam", password, STRANGE)
    assert by_api("sam", password, STRANGE).status == 400
    assert [by_api("sam", "wrong", ELSEWHERE).status for _ in range(3)] == [401, 401, 429]
    assert by_api("sam", "guess", STRANGE).status == 429


def test_one_more_password_within_a_minute(settings, bob):
    assert DEFAULTS["account"][0] >= 1 / 60
    settings.THROTTLES = {"account": (2, 1)}
    assert [by_api("bob", "wrong", STRANGE).status for _ in range(2)] == [401, 429]
    time.sleep(0.6)
    assert by_api("bob", PASSWORD, STRANGE).status == 200


def test_parallel_guesses_share_the_budget(settings, bob):
    settings.THROTTLES = {"account": (SLOWLY, 3)}
    together = Barrier(12)

    def guess(number: int) -> int:
        together.wait(20)
        try:
            return by_api("bob", f"guess {number}", f"192.0.2.{number}").status
        finally:
            connection.close()

    with ThreadPoolExecutor(12) as pool:
        statuses = sorted(pool.map(guess, range(12)))
    assert statuses == [401] * 3 + [429] * 9


def test_keys_are_short_and_expire(settings, bob):
    settings.THROTTLES = {"account": (SLOWLY, 3)}
    by_api("x" * 150, "wrong", HOME)
    by_api("bob", PASSWORD, HOME)
    for key in redis_client().keys("*throttle:*"):
        assert len(key) < 100
        assert 0 < redis_client().pttl(key) <= 30 * 24 * 3600 * 1000


def test_a_failure_is_one_line_without_the_password(settings, bob, logged):
    settings.THROTTLES = {"account": (SLOWLY, 2)}
    by_api("bob", "hunter2!", "::ffff:203.0.113.7")
    by_admin("bob", "hunter2!", HOME)
    by_api("bob", "hunter2!", HOME)
    by_api("hunter2!", "hunter2!", "\n")
    by_api("bob", PASSWORD, ELSEWHERE)
    account = f"A log-in to account {bob.pk} from"
    assert logged.messages == [
        f"{account} 203.0.113.7 at /api/v1/auth/token was refused.",
        f"{account} 203.0.113.7 at /admin/login/ was refused.",
        f"{account} 203.0.113.7 at /api/v1/auth/token was throttled.",
        "A log-in to an unknown account from an unknown address at /api/v1/auth/token was refused.",
        f"{account} 192.0.2.9 at /api/v1/auth/token was throttled.",
    ]


def test_a_line_says_how_many_were_left_out():
    limit = RateLimit(lines=2, per_s=0.2)

    def record(number: int) -> logging.LogRecord:
        return logging.LogRecord("a.logger", logging.WARNING, "", 0, "failure %s", (number,), None)

    records = [record(number) for number in range(5)]
    assert [limit.filter(each) for each in records] == [True, True, False, False, False]
    time.sleep(0.25)
    after = record(6)
    assert limit.filter(after)
    assert after.getMessage() == "failure 6 (3 more were left out)"


@pytest.mark.one_redis
def test_without_redis_log_ins_pass_and_this_is_logged(settings, bob, sam, monkeypatch, logged):
    from caching.redis import client

    settings.THROTTLES = {"token": (SLOWLY, 1), "account": (SLOWLY, 1)}

    def away(commands):
        raise client.FAILURES[0]("refused")

    monkeypatch.setattr("caching.redis.client.round_trip", away)
    with fresh_breaker():
        assert [by_api("bob", PASSWORD, HOME).status for _ in range(3)] == [200] * 3
        assert by_admin("sam", PASSWORD, HOME) == "logged in"
    said = [record.getMessage() for record in logged.records if record.name == "users.login_throttle"]
    assert said == ["Wrong passwords are not counted: Redis does not answer."] * 4
