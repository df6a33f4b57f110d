"""X-Request-ID on answers of Django, errors among them, and in what is logged about them."""

import logging

import pytest
from django.conf import settings
from django.test import Client

from api.logs.current import RequestFields, set_current
from users.views import OwnUserView

pytestmark = pytest.mark.django_db


@pytest.fixture
def logged(caplog):
    """What the handlers of the settings would write."""
    django = logging.getLogger("django")  # which does not propagate
    caplog.handler.addFilter(names := RequestFields())
    django.addHandler(caplog.handler)
    yield caplog
    django.removeHandler(caplog.handler)
    caplog.handler.removeFilter(names)


@pytest.mark.parametrize("path", ["/api/v1/users/me", "/admin/login/"])
def test_a_500(logged, monkeypatch, path):
    def fail(*_, **__):
        raise RuntimeError("Broken")

    monkeypatch.setattr(OwnUserView, "refuse_unknown_method", fail)
    monkeypatch.setattr("django.contrib.admin.sites.AdminSite.login", fail)
    monkeypatch.setattr("users.admin_login.ThrottledLoginForm.__init__", fail)
    response = Client(raise_request_exception=False).get(path, headers={"x-request-id": "find-me"})
    assert (response.status_code, response["X-Request-ID"]) == (500, "find-me")
    (record,) = [each for each in logged.records if each.name == "django.request"]
    assert (record.request_id, record.exc_info[0]) == ("find-me", RuntimeError)


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "a,b", "é", "a\tb", "'"])
def test_what_is_no_id_is_replaced(given):
    response = Client().get("/healthz", headers={"x-request-id": given})
    assert response["X-Request-ID"] not in {"", given}


@pytest.mark.parametrize("given", ["x", "x" * 64, "A-z_0.9", "00000000-0000-0000-0000-000000000000"])
def test_an_id_is_kept(given):
    assert Client().get("/healthz", headers={"x-request-id": given})["X-Request-ID"] == given


def test_every_handler_names_the_request():
    for name, handler in settings.LOGGING["handlers"].items():
        assert "request" in handler["filters"], name
    record = logging.makeLogRecord({"msg": "Outside of requests"})
    set_current(None)
    assert RequestFields().filter(record)
    assert record.request_id == "-"
