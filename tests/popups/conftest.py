"""Popups, and what a user sees who enters the application."""

import os

import pytest
from django.core.management import call_command

from popups import eviction, lost_events
from popups.models import Popup
from tests.popups.shards import open_layout

SHARDS = int(os.environ.get("POPUP_SHARDS", "1"))
"""How many shards the tests of this folder begin with; those that look into the only one fail with several."""


@pytest.fixture(autouse=True)
def start(request, empty_cache_without_throttles, monkeypatch):
    lost_events._counts.clear()
    monkeypatch.setattr(eviction, "MAX_AGE_S", 3_600)  # tests that count round trips have none besides their own
    eviction.unsafe_server()
    if SHARDS > 1 and request.node.get_closest_marker("django_db"):
        open_layout(SHARDS)


@pytest.fixture
def make():
    return lambda title="Hello", **columns: Popup.objects.create(title=title, **columns)


@pytest.fixture
def popup(make):
    return make()


@pytest.fixture
def enter(api):
    """enter(user): ask for the next popup, as the application does on entry; the whole answer."""

    def ask(by, placement="home", platform="ios", app_version="3.2.0"):
        query = {"placement": placement, "platform": platform, "app_version": app_version}
        answer = api.get("popups/next", by=by, query=query)
        assert answer.status == 200, answer
        return answer

    return ask


@pytest.fixture
def drain():
    return lambda: call_command("drain_popup_events", once=True, verbosity=0)
