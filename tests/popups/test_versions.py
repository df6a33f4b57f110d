"""Versions of the app: what builds are called, how they follow each other, and what is no version."""

import pytest

from popups.api import parameters
from popups.models import Event
from popups.versions import parse_version

pytestmark = pytest.mark.django_db(transaction=True)
SAME = ["3.2", "3.2.0", "v3.2.0", "V3.2", "3.2.0 (42)", "3.2.0(42)", "3.2.0+5", "3.2.0 5", "3.2.0+exp.sha-1",
        " 3.2.0.0 ", "3.2.0 build 42", "03.2"]  # fmt: skip
ORDER = ["2", "2.99", "3.2.0-42", "3.2.0-alpha", "3.2.0-alpha.1", "3.2.0-alpha.beta", "3.2.0-BETA+7", "3.2.0-beta.2",
         "3.2.0-beta.11 (5)", "3.2.0-rc.1", "3.2", "3.2.0.1", "3.2.1-beta", "3.9", "3.10", "20260301.1",
         "999999999999999999"]  # fmt: skip
NONE = ["x", "", " ", "3.x", "-1", "1.2.3.4.5", "3..2", ".3", "3.", "٣", "３", "v", "3,2", "3.2-", "3.2.0-é", "1" * 19,
        "3.2.0 " + "x" * 64, "latest", "3.2.0\0", "3\n2"]  # fmt: skip


@pytest.fixture(autouse=True)
def nothing_parsed_yet(monkeypatch):
    monkeypatch.setattr(parameters, "_logged", set())
    parameters.client_context.cache_clear()


def test_the_same_version():
    assert {parse_version(text) for text in SAME} == {(3, 2, 0, 0, 1)}
    assert parse_version("3.2.0b1") == parse_version("3.2.0-b1") < parse_version("3.2.0rc2") < parse_version("3.2.0")


def test_versions_follow_each_other():
    parsed = [parse_version(text) for text in ORDER]
    assert sorted(parsed) == parsed
    assert len(set(parsed)) == len(parsed)


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_version(text):
    assert parse_version(text) is None


@pytest.mark.parametrize("version", ["3.2.0-beta", "v3.2.0", "3.2.0 (42)", "3.2.0+5", "3.2", "4"])
def test_builds_get_popups(enter, alice, make, version):
    make("Old", max_version="3.1")
    make("New", min_version="3.2.0-alpha")
    assert enter(alice, app_version=version).json["popup"]["title"] == "New"


def test_a_beta_is_older_than_its_release(enter, alice, bob, make):
    make("Release", min_version="3.2.0", priority=1)
    make("Until the beta", max_version="3.2.0-beta")
    assert enter(alice, app_version="3.2.0-beta").json["popup"]["title"] == "Until the beta"
    assert enter(bob, app_version="3.2.0 (42)").json["popup"]["title"] == "Release"


@pytest.mark.parametrize("text", ["x", "1.2.3.4.5", "-1", "٣", "1" * 400, "", "a\nb", "%00"])
def test_what_is_no_version_is_as_if_none_was_sent(enter, alice, make, drain, text, caplog):
    make("For a version", min_version="1", priority=1)
    popup = make("For all")
    assert enter(alice, app_version=text).json["popup"]["id"] == popup.pk
    assert enter(alice, app_version=text).json["popup"] is None
    drain()
    assert Event.objects.get().popup_id == popup.pk
    lines = [record.getMessage() for record in caplog.records if "is no version of an app" in record.getMessage()]
    assert len(lines) == (1 if text else 0)
    assert all(line.isprintable() and line.isascii() and len(line) < 500 for line in lines)


def test_the_log_is_bounded(caplog):
    for number in range(500):
        parameters.client_context("home", "ios", f"build {number}")
        parameters.client_context.cache_clear()
        parameters.client_context("home", "ios", f"build {number}")
    assert len(caplog.records) == parameters.MOST_LOGGED + 1
    assert "will not be logged" in caplog.records[-1].getMessage()
    assert len(parameters._logged) == parameters.MOST_LOGGED


def test_what_clients_send_takes_bounded_memory(api, alice, popup):
    for number in range(20):
        version = f"{number}" + "x" * 5_000
        assert api.get("popups/next", by=alice, query={"placement": "home", "app_version": version}).status == 200
    info = parameters.client_context.cache_info()
    assert info.maxsize == 1_000
    assert max(map(len, parameters._logged)) < 100
