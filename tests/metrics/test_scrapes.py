"""GET /metrics of real servers: who may ask, and what all processes of a host have counted together."""

import json
import os
import signal

import pytest

from metrics.families import FAMILIES
from tests.metrics.scrapes import BEARER, TOKEN, scrape, settled
from tests.support.polling import wait_until
from tests.support.web_servers import JSON, say

SECONDS = "hotpath_http_request_seconds_count"
pytestmark = [pytest.mark.embedded, pytest.mark.sampled]


@pytest.fixture(scope="module", params=["gunicorn", "granian"])
def web(installation, request):
    return installation.start(request.param, METRICS_TOKEN=TOKEN, WEB_WORKERS="2")


def _workers(web):
    """Return the processes that write numbers."""
    folder = web.data / "metrics"
    return [int(path.stem.rpartition("-")[2]) for path in folder.glob("*.alive")]


def test_scrapes_need_the_token(web):
    for headers in ({}, {"Authorization": "Bearer other"}, {"Authorization": f"Basic {TOKEN}"}):
        refused = say(web.port, "GET", "/metrics", **headers)
        assert (refused.status, refused.headers["www-authenticate"]) == (401, "Bearer")
        assert json.loads(refused.body)["code"] == "not_authenticated"
    answer = say(web.port, "GET", "/metrics", **BEARER)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")


def test_without_a_token_there_is_nothing_at_the_address(installation):
    for name in ("gunicorn", "gthread"):
        web = installation.start(name)
        missing = say(web.port, "GET", "/metrics", **BEARER)
        assert (missing.status, json.loads(missing.body)["code"]) == (404, "not_found")


def test_every_family_of_the_catalogue_is_told(web):
    assert [family.name for family in scrape(web.port).families] == [
        family.name.removesuffix("_total") for family in FAMILIES
    ]


def test_requests_of_all_workers_are_counted_once_by_way_and_one_is_killed(web, account):
    token, pk = account
    bearer = {"Authorization": f"Bearer {token}"}
    of_lane = {"route": "/api/v1/users/{id}", "method": "GET", "status": "200", "way": "lane"}
    wait_until(lambda: say(web.port, "GET", f"/api/v1/users/{pk}", **bearer).status == 200)
    wait_until(lambda: _told_by_lane(web, pk, bearer, of_lane))
    before = settled(web)
    for _ in range(40):
        assert say(web.port, "GET", f"/api/v1/users/{pk}", **bearer).status == 200
        assert say(web.port, "GET", f"/api/v1/users/{pk}?fields=nonsense", **bearer).status == 400
    refused = of_lane | {"way": "django", "status": "400"}
    after = settled(web)
    assert after.total(SECONDS, **refused) == before.total(SECONDS, **refused) + 40
    assert after.total(SECONDS, route=of_lane["route"]) == before.total(SECONDS, route=of_lane["route"]) + 80
    assert after.total(SECONDS, **of_lane) > before.total(SECONDS, **of_lane) + 30

    killed = _workers(web)[0]
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: scrape(web.port) and killed not in _workers(web))
    assert settled(web).total(SECONDS, **refused) == after.total(SECONDS, **refused)


def _told_by_lane(web, pk, bearer, labels):
    say(web.port, "GET", f"/api/v1/users/{pk}", **bearer)
    return scrape(web.port).total(SECONDS, **labels) > 20


def test_addresses_that_strangers_make_up_are_one_route(web):
    say(web.port, "GET", "/nothing/0")
    before = settled(web)
    for number in range(50):
        say(web.port, "GET", f"/nothing/{number}")
        say(web.port, "GET", f"/api/v1/nothing/{number}/x")
        say(web.port, "GET", f"/api/v1/users/{number}x")
        say(web.port, f"ODD{number}", "/nothing")
    after = settled(web)
    assert after.total(SECONDS, route="unmatched") >= before.total(SECONDS, route="unmatched") + 100
    assert len(after.named(SECONDS)) - len(before.named(SECONDS)) <= 5


def test_failed_logins_and_throttled_requests_are_counted(web):
    before = settled(web)
    statuses = []
    for number in range(40):  # each another account, so that only the limit of the address counts
        wrong = json.dumps({"username": f"nobody{number}", "password": "wrong-horse-battery"}).encode()
        statuses.append(say(web.port, "POST", "/api/v1/auth/token", wrong, **JSON).status)
    assert 429 in statuses
    after = settled(web)
    for status, name in ((401, "hotpath_failed_logins_total"), (429, "hotpath_throttled_total")):
        assert after.total(name) == before.total(name) + statuses.count(status)
