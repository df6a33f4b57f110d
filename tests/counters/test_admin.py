"""Counters in the admin: shown, not editable, reconciled by an action."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from counters import reconcile, rollup
from counters.models import Counter, Delta
from tests.counters.votes import counts, truth, vote
from users.models import User

LIST = "/admin/counters/counter/"


@pytest.fixture
def admin(new_user):
    client = Client()
    client.force_login(User.objects.get(pk=new_user("root", is_staff=True, is_superuser=True).pk))
    return client


@pytest.fixture
def counter(book, voters):
    vote(voters[0], book)
    rollup.roll_up_all()
    Delta.objects.create(kind="book", target_id=book.pk, name="votes", amount=4)
    return Counter.objects.get(kind="book", name="votes")


def test_the_list_shows_what_readers_see(admin, counter):
    page = admin.get(f"{LIST}?name=votes&kind=book").content.decode()
    for column, value in (("shown", "5"), ("rolled_up", "1"), ("pending", "+4")):
        assert f'<td class="field-{column}">{value}</td>' in page


@pytest.mark.parametrize(("query", "found"), [
    ({}, True), ({"q": "the book"}, True), ({"q": "10000000"}, False), ({"q": "x"}, False), ({"q": "9" * 30}, False),
    ({"kind": "author"}, False), ({"kind": "book", "name": "votes"}, True),
    ({"name": "nothing"}, False),
])  # fmt: skip
def test_the_list_is_searched_and_filtered_by_the_index(admin, book, counter, query, found):
    query = {name: value.replace("the book", str(book.pk)) for name, value in query.items()}
    with CaptureQueriesContext(connection) as queries:
        page = admin.get(LIST, query)
    assert (counter.pk in [each.pk for each in page.context["cl"].result_list]) == found
    texts = [each["sql"] for each in queries if "counters_counter" in each["sql"]]
    assert not any("DISTINCT" in text or "LIKE" in text for text in texts)
    assert all("LIMIT 10001" in text for text in texts if "COUNT(" in text)


def test_nothing_can_be_edited(admin, counter):
    assert admin.get(f"{LIST}add/").status_code == 403
    assert admin.get(f"{LIST}{counter.pk}/change/").status_code == 200
    assert admin.post(f"{LIST}{counter.pk}/change/", {"value": 9}).status_code == 403
    assert admin.post(f"{LIST}{counter.pk}/delete/", {"post": "yes"}).status_code == 403


def test_the_chosen_are_reconciled(admin, book, counter):
    chosen = {"action": "reconcile", "_selected_action": [counter.pk]}
    page = admin.post(LIST, chosen, follow=True).content.decode()
    assert f"Mended: book:{book.pk} votes: showed 5, is 1 (-4)" in page
    assert "1 targets compared, 1 counters mended." in page
    assert reconcile.run_one("book", book.pk, mend=False).drifts == []
    rollup.roll_up_all()
    assert counts(book) == truth(book)


def test_no_more_than_a_request_can_do(admin, counter, monkeypatch):
    monkeypatch.setattr("counters.http.admin.MAX_SELECTED", 0)
    page = admin.post(LIST, {"action": "reconcile", "_selected_action": [counter.pk]}, follow=True).content.decode()
    assert "Select at most 0 targets" in page
    assert Delta.objects.count() == 1
