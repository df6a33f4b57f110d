"""Popups on a Redis Cluster: all keys of a script are on one node."""

import pytest

from popups.models import Event
from tests.popups.shards import backlog

pytestmark = pytest.mark.django_db(transaction=True)


def test_shown_clicked_and_drained(cluster, api, enter, new_user, drain, make):
    popup = make(total_cap=5)
    people = [new_user(f"guest_{number}") for number in range(6)]
    shown = [enter(person).json["popup"] for person in people]
    assert [bool(each) for each in shown] == [True] * 5 + [False]
    body = {"claim": shown[0]["claim"], "type": "click"}
    assert api.post(f"popups/{popup.pk}/events", body, by=people[0]).status == 202
    assert backlog() == 6
    drain()
    assert backlog() == 0
    assert Event.objects.count() == 6
    assert enter(people[1]).json["popup"] is None
    popup.title = "Edited"
    popup.total_cap = None
    popup.save()
    assert enter(people[5]).json["popup"]["title"] == "Edited"
