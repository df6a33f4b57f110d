"""Single events are deleted when they are old, their counts stay, and no old event is counted twice."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobs import deletion
from popups import retention
from popups.delivery import claims
from popups.models import Day, Event, UserPopup

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def old_claim(alice, popup):
    """Return a function that makes the claim of a showing so many days ago, with its events in the table."""

    def make(days: float, *types: str) -> str:
        at = timezone.now() - timedelta(days=days)
        claim = claims.earliest_claim(at)[:12] + claims.new_claim()[12:]
        Event.objects.bulk_create(
            Event(type=each, popup=popup, user=alice, claim=claim, stream_id=f"{claim}-{each}", at=at) for each in types
        )
        return claim

    return make


def sweep() -> None:
    call_command("sweep_removed", once=True, stdout=StringIO())


def test_old_events_go_and_their_counts_stay(old_claim, alice, popup, settings, monkeypatch):
    settings.POPUP_EVENT_DAYS = 30
    monkeypatch.setattr(deletion, "CHUNK", 2)  # so that a claim's events are cut apart
    UserPopup.objects.create(user=alice, popup=popup, shown=4, clicked=4)
    Day.objects.create(popup=popup, day=timezone.now().date(), shown=4, clicked=4)
    for days in (400, 31, 30.01):
        old_claim(days, "shown", "click", "dismiss")
    kept = old_claim(29.9, "shown", "click")
    sweep()
    assert list(Event.objects.order_by("type").values_list("claim", "type")) == [(kept, "click"), (kept, "shown")]
    assert (UserPopup.objects.get().clicked, Day.objects.get().shown) == (4, 4)


def test_a_click_on_an_old_claim_is_refused_before_its_events_go(old_claim, api, alice, popup, settings):
    settings.POPUP_EVENT_DAYS = 30
    answers = {}
    for days in (26.9, 27.1, 31):
        token = claims.sign(old_claim(days), user_id=alice.pk, popup_id=popup.pk)
        answer = api.post(f"popups/{popup.pk}/events", {"claim": token, "type": "click"}, by=alice)
        answers[days] = answer.status
    assert answers == {26.9: 202, 27.1: 404, 31: 404}


def test_a_sweep_that_finds_nothing_reads_the_beginning_of_an_index(old_claim):
    for _ in range(50):
        old_claim(1, "shown", "click")
    with CaptureQueriesContext(connection) as queries:
        assert list(retention.sweep_expired()) == []
    (query,) = queries
    with connection.cursor() as cursor:
        cursor.execute(("EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN ") + query["sql"])
        plan = str(cursor.fetchall())
    index, access = ("(claim<?)", "SEARCH") if connection.vendor == "sqlite" else ("popups_event_once", "range")
    assert index in plan
    assert access in plan
