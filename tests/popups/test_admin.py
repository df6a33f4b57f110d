"""Popups in the admin: validation, preview, what a user would see and why not, statistics."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from popups.admin.statistics import by_day
from popups.models import Event, Pacing, Popup, UserPopup
from tests.popups.admin_form import FORM, POPUPS, add
from tests.popups.shards import backlog

pytestmark = pytest.mark.django_db(transaction=True)
PACING = "/admin/popups/pacing/"


def test_a_popup_is_made_previewed_and_edited(enter, root, new_user):
    ann, ben = (new_user(name, country="US") for name in ("ann_us", "ben_us"))
    assert add(root).status_code == 302
    popup = Popup.objects.get()
    assert popup.countries == "CN, US"
    assert enter(ann).json["popup"]["title"] == "Hello"
    page = root.get(f"{POPUPS}{popup.pk}/change/").content.decode()
    assert '<h3 data-from="title">Hello</h3>' in page
    assert "popups/preview.js" in page
    edited = {**FORM, "title": "<b>Good</b>", "image": "https://img.example/1.png"}
    assert root.post(f"{POPUPS}{popup.pk}/change/", edited).status_code == 302
    assert enter(ben).json["popup"]["title"] == "<b>Good</b>"
    assert "&lt;b&gt;Good&lt;/b&gt;</h3>" in root.get(f"{POPUPS}{popup.pk}/change/").content.decode()


WRONG = {
    "title": ("", "This field is required."),
    "placement": ("a b", "A placement is a word"),
    "ends_at": ("2025-12-31", "It would end before it begins."),
    "countries": ("C N", "Separate words such as CN"),
    "min_version": ("3.x", "A version is 1 to 4 numbers"),
    "min_level": (-1, "greater than or equal to 0"),
    "percentage": (101, "from 0 to 100"),
    "user_cap": (0, "A cap is a whole number from 1"),
    "total_cap": ("x", "Enter a whole number."),
    "reshow_hours": (-1, "Give hours from 0"),
    "click_cooldown_hours": ("nan", "Enter a number."),
    "vip": ("maybe", "Select a valid choice."),
    "image": ("javascript:alert(1)", "Enter a valid URL."),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_at_its_field_once(root, name):
    value, sentence = WRONG[name]
    given = {f"{name}_0": value, f"{name}_1": "00:00"} if name.endswith("_at") else {name: value}
    page = add(root, **given)
    assert page.status_code == 200
    errors = page.context["adminform"].form.errors
    assert list(errors) == [name]
    assert len(errors[name]) == 1
    assert sentence in errors[name][0]
    assert not Popup.objects.exists()


def test_pairs_that_contradict_each_other(root):
    for given, name in (
        ({"min_version": "2", "max_version": "1.9"}, "max_version"),
        ({"min_level": 5, "max_level": 4}, "max_level"),
    ):
        assert list(add(root, **given).context["adminform"].form.errors) == [name]


def test_the_list_says_what_is_live_and_what_is_broken(root, enter, alice, drain, make):
    now = timezone.now()
    make("Live", priority=1)
    make("Later", starts_at=now + timedelta(days=1))
    make("Over", starts_at=now - timedelta(days=2), ends_at=now - timedelta(days=1))
    make("Off", is_active=False)
    Popup.objects.filter(pk=make("Bad").pk).update(min_version="x")
    enter(alice)
    drain()
    with CaptureQueriesContext(connection) as queries:
        page = root.get(POPUPS).content.decode()
    for state in ("live", "scheduled", "over", "off", '<b class="broken">broken</b>: A version is 1 to 4 numbers'):
        assert f'<td class="field-state">{state}' in page
    assert '<td class="field-shown">1</td>' in page
    assert 'title="Statistics">0.0 %</a>' in page
    assert sum("popups_day" in query["sql"] for query in queries) == 1


def test_switched_off_and_on(root, enter, alice, bob, popup):
    chosen = {"_selected_action": [popup.pk]}
    page = root.post(POPUPS, {"action": "switch_off", **chosen}, follow=True).content.decode()
    assert "1 popups switched off." in page
    assert enter(alice).json["popup"] is None
    root.post(POPUPS, {"action": "switch_on", **chosen})
    assert enter(bob).json["popup"]


def test_what_was_shown_is_not_deleted(root, enter, alice, drain, make):
    shown, other = make(priority=1), make()
    enter(alice)
    drain()
    with CaptureQueriesContext(connection) as queries:
        page = root.get(f"{POPUPS}{shown.pk}/delete/").content.decode()
    assert "was shown: switch it off instead." in page
    assert not any("popups_event" in query["sql"] for query in queries)
    for popup in (shown, other):
        root.post(f"{POPUPS}{popup.pk}/delete/", {"post": "yes"})
        chosen = {"action": "delete_selected", "_selected_action": [popup.pk], "post": "yes"}
        root.post(POPUPS, chosen)
    assert list(Popup.objects.all()) == [shown]


def dry_run(root, **query):
    page = root.get(f"{POPUPS}dry-run/", query)
    assert page.status_code == 200
    return page


def test_the_dry_run_says_what_would_be_shown_and_why_not_the_others(root, enter, alice, bob, make, redis_is_asked):
    now = timezone.now()
    make("First", priority=9)
    make("For the US", priority=8, countries="US")
    make("Android", priority=7, platforms="android")
    make("New", priority=6, min_version="4")
    make("Next", priority=5)
    make("Also due", priority=4)
    make("Later", priority=3, starts_at=now + timedelta(hours=1))
    make("Spent", priority=10, total_cap=1)
    make("Elsewhere", placement="profile")
    make("Off", is_active=False)
    make("Over", starts_at=now - timedelta(days=2), ends_at=now - timedelta(days=1))
    Popup.objects.filter(pk=make("Bad").pk).update(percentage=200)
    enter(bob)
    enter(alice)
    waiting = redis_is_asked()
    page = dry_run(root, user=str(alice.pk), placement="home", platform="ios", app_version="3.2.0")
    lines = {line.popup.title: line.reason for line in page.context["dry_run"].lines}
    assert [line.popup.title for line in page.context["dry_run"].lines if line.is_next] == ["Next"]
    assert "re-show interval" in lines["First"]
    assert lines["For the US"] == "it is for other countries"
    assert lines["Android"] == "it is for other platforms"
    assert lines["New"] == "the version is too old"
    assert lines["Also due"] == "due, but another one comes first"
    assert lines["Later"].endswith("UTC: its window begins")
    assert lines["Spent"] == "the cap in total is reached"
    assert lines["Elsewhere"] == "it is for the placement profile"
    assert lines["Off"] == "switched off"
    assert lines["Over"].startswith("over since")
    assert lines["Bad"].startswith("broken: percentage")
    assert "would be shown" in page.content.decode()
    assert redis_is_asked() == waiting  # nothing was claimed
    assert enter(alice).json["popup"]["title"] == "Next"


@pytest.fixture
def redis_is_asked():
    return backlog


def test_the_dry_run_by_username_and_with_bad_input(root, alice, popup):
    assert dry_run(root, user="Alice", placement="home").context["dry_run"]
    for wrong in ({"user": "nobody"}, {"user": "alice", "placement": "a b"}, {"user": "alice", "app_version": "x"}):
        page = dry_run(root, **{"placement": "home", **wrong})
        assert page.context["dry_run"] is None
        assert "errorlist" in page.content.decode()
    assert "errorlist" not in dry_run(root).content.decode()


def test_statistics_are_those_of_the_events(root, api, enter, drain, alice, bob, carol, popup):
    claims = {person: enter(person).json["popup"]["claim"] for person in (alice, bob, carol)}
    for person, kind in ((alice, "click"), (bob, "dismiss"), (alice, "click")):
        api.post(f"popups/{popup.pk}/events", {"claim": claims[person], "type": kind}, by=person)
    drain()
    page = root.get(f"{POPUPS}{popup.pk}/statistics/?days=7").content.decode()
    for figure in ("<b>3</b> shown", "<b>1</b> clicked", "<b>1</b> dismissed", "<b>33.3 %</b> click rate"):
        assert figure in page
    today = timezone.now().date()
    assert f"<title>{today}: 3 shown, 1 clicked (33.3 %), 1 dismissed</title>" in page
    assert page.count("<g>") == 7
    assert list(by_day(popup.pk, 7).values())[-1] == (3, 1, 1)
    assert root.get(f"{POPUPS}999/statistics/").status_code == 404


def test_the_overview_tells_what_waits_and_what_was_not_recorded(root, enter, alice, bob, drain, popup, monkeypatch):
    enter(alice)
    monkeypatch.setattr("popups.keys.MAX_STREAM_LENGTH", 1)
    enter(bob)
    page = root.get(f"{POPUPS}statistics/").content.decode()
    assert "(drain_popup_events)</td><td>1</td>" in page
    drain()
    page = root.get(f"{POPUPS}statistics/").content.decode()
    assert "(drain_popup_events)</td><td>0</td>" in page
    assert "the stream of events full</td><td>1</td>" in page


def test_quiet_time_is_one_row(root, enter, alice, make):
    make()
    make()
    page = root.get(PACING, follow=True)
    assert page.status_code == 200
    assert root.post(page.redirect_chain[-1][0], {"quiet_seconds": 60}).status_code == 302
    assert Pacing.objects.get().quiet_seconds == 60
    assert enter(alice).json["popup"]
    assert enter(alice).json["popup"] is None
    assert root.get(f"{PACING}add/").status_code == 403


def test_records_are_only_looked_at(root, enter, drain, alice, bob, popup):
    enter(alice)
    enter(bob)
    drain()
    for address, model in (("/admin/popups/event/", Event), ("/admin/popups/userpopup/", UserPopup)):
        assert len(root.get(address, {"q": "bob"}).context["cl"].result_list) == 1
        assert len(root.get(address).context["cl"].result_list) == 2
        row = model.objects.first()
        assert root.post(f"{address}{row.pk}/delete/", {"post": "yes"}).status_code == 403
        assert root.post(f"{address}{row.pk}/change/", {}).status_code == 403


def test_staff_without_rights_are_refused(sam, popup):
    client = Client()
    client.force_login(sam)
    for page in ("", "dry-run/", "statistics/", f"{popup.pk}/statistics/"):
        assert client.get(POPUPS + page).status_code == 403
