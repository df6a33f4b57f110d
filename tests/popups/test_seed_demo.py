"""Demo popups: created once, with showings and clicks."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.test import override_settings

from popups.demo import POPUPS
from popups.models import Day, Event, Popup, UserPopup
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)


def seed(users: int) -> str:
    output = StringIO()
    with override_settings(DEBUG=True):
        call_command("seed_demo", users=users, stdout=output)
    return output.getvalue()


def rows() -> list:
    return [list(model.objects.order_by("pk").values()) for model in (Popup, Event, UserPopup, Day)]


def test_popups_with_a_past(enter):
    said = seed(200)
    assert f"{len(POPUPS)} popups added." in said
    assert f"{Event.objects.count()} popup events added." in said
    before = rows()
    assert all(before)
    assert sum(day["shown"] for day in before[3]) == Event.objects.filter(type="shown").count()
    assert sum(pair["clicked"] for pair in before[2]) == Event.objects.filter(type="click").count()
    assert "0 popups added.\n0 popup events added." in seed(200)
    assert rows() == before
    assert any(enter(person).json["popup"] for person in User.objects.order_by("pk")[1:20])
