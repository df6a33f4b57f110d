"""Popups over HTTP: every field of the contract."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from rest_framework_simplejwt.tokens import AccessToken

from popups.models import Day, Event, UserPopup

pytestmark = pytest.mark.django_db(transaction=True)
LONGEST_S = 300


def tell(api, by, popup, claim, kind="click"):
    return api.post(f"popups/{popup.pk}/events", {"claim": claim, "type": kind}, by=by).status


def seconds_until(answer):
    return (datetime.fromisoformat(answer.json["next_check_at"]) - timezone.now()).total_seconds()


def max_age(answer):
    directives = answer.headers["cache-control"].split(", ")
    assert directives[0] == "private"
    return int(directives[1].removeprefix("max-age="))


def test_a_popup_is_shown_once(enter, alice, bob, make):
    popup = make(title="茶", body="Tea is ready", image="https://img.example/1.png", link="app://tea")
    answer = enter(alice)
    shown = answer.json["popup"]
    claim = shown.pop("claim")
    assert shown == {
        "id": popup.pk,
        "title": "茶",
        "body": "Tea is ready",
        "image": "https://img.example/1.png",
        "link": "app://tea",
    }
    assert len(claim) == 32
    assert LONGEST_S - 5 < seconds_until(answer) <= LONGEST_S
    assert "no-store" in answer.headers["cache-control"]
    assert max_age(answer) == LONGEST_S
    again = enter(alice)
    assert again.json["popup"] is None
    assert again.json["next_check_at"] >= answer.json["next_check_at"]
    assert max_age(again) == LONGEST_S
    assert again.headers["cache-control"] == f"private, max-age={max_age(again)}"
    assert enter(bob).json["popup"]["id"] == popup.pk


def test_nothing_is_due_where_there_is_nothing(enter, alice):
    answer = enter(alice)
    assert answer.json["popup"] is None
    assert 290 < seconds_until(answer) <= 300


def test_events_are_in_the_table_once(api, enter, drain, alice, bob, popup):
    claim = enter(alice).json["popup"]["claim"]
    for _ in range(2):
        assert tell(api, alice, popup, claim) == 202
        assert tell(api, alice, popup, claim, "dismiss") == 202
    drain()
    rows = Event.objects.order_by("pk").values_list("type", "user_id", "popup_id")
    assert list(rows) == [(kind, alice.pk, popup.pk) for kind in ("shown", "click", "dismiss")]
    drain()
    assert tell(api, alice, popup, claim) == 202
    drain()
    assert Event.objects.count() == 3
    pair = UserPopup.objects.get()
    assert (pair.shown, pair.clicked, pair.dismissed) == (1, 1, 1)
    assert pair.last_claim == Event.objects.first().claim
    assert pair.last_shown_at <= pair.last_clicked_at <= pair.last_dismissed_at
    day = Day.objects.get()
    assert (day.popup_id, day.shown, day.clicked, day.dismissed) == (popup.pk, 1, 1, 1)


def test_claims_of_others_and_of_nobody(api, enter, alice, bob, make):
    popup, other = make(priority=1), make()
    claim = enter(alice).json["popup"]["claim"]
    assert tell(api, bob, popup, claim) == 404
    assert tell(api, alice, other, claim) == 404
    assert tell(api, alice, popup, claim[:-4] + "AAAA") == 404
    for strange in ("x", "A" * 32, "é" * 8, "", "A" * 64):
        assert tell(api, alice, popup, strange) == (404 if strange else 400)
    assert tell(api, alice, popup, "A" * 65) == 400
    assert api.post("popups/999/events", {"claim": claim, "type": "click"}, by=alice).status == 404


@pytest.mark.parametrize(
    "body",
    [{}, {"claim": "x"}, {"type": "click"}, {"claim": "x", "type": "shown"}, {"claim": 1, "type": "click"},
     {"claim": "x", "type": ["click"]}, {"claim": "x", "type": "click", "more": 1}, [], "x", None],
)  # fmt: skip
def test_bad_events(api, alice, popup, body):
    assert api.post(f"popups/{popup.pk}/events", body, by=alice).status == 400
    assert api.post("popups/x/events", {"claim": "x", "type": "click"}, by=alice).status == 400


BAD_QUERIES = [
    "", "placement=", "placement=a b", "placement=" + "x" * 33, "placement=home&platform=", "placement=home&platform=é",
]  # fmt: skip


@pytest.mark.parametrize("query", BAD_QUERIES)
def test_bad_entries(api, alice, popup, query):
    assert api.get(f"popups/next?{query}", by=alice).status == 400
    assert not Event.objects.exists()


def test_a_head_request_shows_nothing(api, enter, alice, popup):
    token = {"authorization": f"Bearer {AccessToken.for_user(alice)}"}
    assert api.http.head("/api/v1/popups/next?placement=home", headers=token).status_code == 405
    assert enter(alice).json["popup"]


def test_the_next_window_is_when_to_ask_again(enter, alice, make):
    starts_at = timezone.now() + timedelta(minutes=4)
    make(starts_at=starts_at)
    answer = enter(alice)
    assert answer.json["popup"] is None
    assert abs((datetime.fromisoformat(answer.json["next_check_at"]) - starts_at).total_seconds()) < 0.001
    assert max_age(answer) in (239, 240)
