"""The cast of tests/social, and popups."""

import pytest
from django.core.management import call_command

from popups import lost_events
from popups.models import Popup
from tests.social.conftest import alice, api, bob, carol, dora, new_user, password_hash, quiet, sam

__all__ = ["alice", "api", "bob", "carol", "dora", "new_user", "password_hash", "quiet", "sam"]


@pytest.fixture(autouse=True)
def nothing_unrecorded():
    lost_events._counts.clear()


@pytest.fixture
def make():
    return lambda title="Hello", **columns: Popup.objects.create(title=title, **columns)


@pytest.fixture
def popup(make):
    return make()


@pytest.fixture
def enter(api):
    """What comes up for somebody who enters: the whole answer."""

    def ask(by, placement="home", platform="ios", app_version="3.2.0"):
        query = {"placement": placement, "platform": platform, "app_version": app_version}
        answer = api.get("popups/next", by=by, query=query)
        assert answer.status == 200, answer
        return answer

    return ask


@pytest.fixture
def drain():
    return lambda: call_command("drain_popup_events", once=True, verbosity=0)
