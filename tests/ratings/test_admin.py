"""Items in the admin: an edit shows in the API at once, and no page reads a whole table."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from caching.testutils import redis_usage
from ratings import removal, services
from ratings.admin import ItemAdmin
from ratings.models import Item
from tests.support.admin_actions import run_action

pytestmark = pytest.mark.django_db(transaction=True)
ITEMS = "/admin/ratings/item/"


def page_of(item):
    return f"{ITEMS}{item.pk}/change/"


def heights(html):
    """Return the heights of the histogram's bars by their titles: {"5: 2": "41"}."""
    return dict(re.findall(r'<i title="(\d+: \d+)" style="[^"]*height: (\d+)px', html))


def test_the_histogram_of_each_item_is_drawn(root, alice, bob, carol, item):
    for person, score in ((alice, 5), (bob, 5), (carol, 10)):
        services.rate(user_id=person.pk, item_id=item.pk, score=score)
    unrated = services.publish(title="Another")
    listed, page = root.get(ITEMS).content.decode(), root.get(page_of(item)).content.decode()
    drawn = heights(page)
    assert [title for title in drawn if not title.endswith(": 0")] == ["5: 2", "10: 1"]
    assert (drawn["5: 2"], drawn["10: 1"], drawn["1: 0"]) == ("41", "21", "1")
    assert "6.67" in page
    assert "6.67" in listed
    assert heights(listed) == {**drawn, **heights(root.get(page_of(unrated)).content.decode())}


def test_an_item_is_added_and_edited(api, root, bob):
    form = root.get(f"{ITEMS}add/").content.decode()
    assert "<textarea" in form
    assert "histogram" not in form.lower()
    assert root.post(f"{ITEMS}add/", {"title": "Tea house", "description": "湖边"}).status_code == 302
    item = Item.objects.get()
    assert api.get(f"ratings/{item.pk}", by=bob).json["description"] == "湖边"
    assert root.post(page_of(item), {"title": "<b>Tea</b>", "description": ""}).status_code == 302
    assert api.get(f"ratings/{item.pk}", by=bob).json["title"] == "<b>Tea</b>"
    assert "<b>Tea</b>" not in root.get(ITEMS).content.decode()


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"title": "  "}, "This field is required"),
        ({"title": "x" * 201}, "at most 200 characters"),
        ({"title": "x", "description": "x" * 2_001}, "at most 2000 characters"),
        ({"title": "a\0b"}, "Null characters are not allowed"),
    ],
)
def test_bad_input(root, item, form, sentence):
    for address in (f"{ITEMS}add/", page_of(item)):
        answer = root.post(address, form)
        assert answer.status_code == 200
        assert sentence in answer.content.decode()
    assert list(Item.objects.values_list("title", flat=True)) == [item.title]


def test_an_edit_meets_a_removal(root, item, monkeypatch):
    """A form that was read before the removal is saved after it: the item stays removed."""
    read = ItemAdmin.get_object

    def read_before(*args):
        found = read(*args)
        Item.objects.filter(pk=item.pk).update(removed_at="2026-01-01T00:00:00Z")
        return found

    monkeypatch.setattr(ItemAdmin, "get_object", read_before)
    root.post(page_of(item), {"title": "Mended", "description": ""})
    found = Item.objects.get()
    assert found.removed_at is not None
    assert found.title == item.title


def test_deleted_by_the_action_and_by_the_page(api, root, alice, bob):
    items = [services.publish(title=f"Item {number}") for number in range(3)]
    for item in items:
        services.rate(user_id=alice.pk, item_id=item.pk, score=5)
    chosen = {"action": "delete_selected", "_selected_action": [item.pk for item in items[:2]]}
    with CaptureQueriesContext(connection) as queries:
        page = root.post(ITEMS, chosen).content.decode()
        root.get(f"{ITEMS}{items[2].pk}/delete/")
    assert "Items: 2" in page
    assert "Scores: 2" in page
    scores = [query["sql"] for query in queries if "ratings_score" in query["sql"]]
    assert all("COUNT(" in sql and "LIMIT 10001" in sql for sql in scores)  # the confirmation page lists no scores
    assert root.post(ITEMS, {**chosen, "post": "yes"}).status_code == 302
    with CaptureQueriesContext(connection) as queries:
        assert root.post(f"{ITEMS}{items[2].pk}/delete/", {"post": "yes"}).status_code == 302
    if connection.vendor == "sqlite":
        assert sum(query["sql"].startswith("BEGIN") for query in queries) >= 3  # several transactions
    ids = ",".join(str(item.pk) for item in items)
    assert api.get(f"ratings?ids={ids}", by=bob).json["results"] == []
    assert not Item.objects.exists()


def test_search(root, item):
    another = services.publish(title="Night Train")

    def found(term):
        return [row.pk for row in root.get(ITEMS, {"q": term}).context["cl"].result_list]

    assert found("") == [another.pk, item.pk]
    assert found(str(item.pk)) == [item.pk]
    assert found("night") == found("Train") == [another.pk]
    assert found("%") == found("9" * 30) == []
    assert root.get(ITEMS, {"q": "\0"}).status_code == 200


@pytest.mark.one_redis
def test_a_list_is_one_round_trip_and_counts_no_whole_table(root, alice):
    def costs():
        with CaptureQueriesContext(connection) as queries, redis_usage() as usage:
            assert root.get(ITEMS).status_code == 200
        return [query["sql"] for query in queries if "ratings_" in query["sql"]], usage.commands

    for number in range(2):
        services.publish(title=f"Item {number}")
    costs()
    few = costs()
    for number in range(30):
        item = services.publish(title=f"Item {number}")
        services.rate(user_id=alice.pk, item_id=item.pk, score=5)
    costs()
    many = costs()
    assert len(many[0]) == len(few[0]) <= 3
    assert many[1] == few[1]
    assert all("LIMIT 10001" in sql for sql in many[0] if "COUNT(" in sql)


def test_staff_without_rights_are_refused(sam, item):
    client = Client()
    client.force_login(sam)
    for address in (ITEMS, page_of(item), f"{ITEMS}add/", f"{ITEMS}{item.pk}/delete/"):
        assert client.get(address).status_code == 403
    assert run_action(client, ITEMS, "delete_selected", item)
    assert Item.objects.get().removed_at is None


def test_what_is_being_deleted_cannot_be_opened(root, item):
    Item.objects.filter(pk=item.pk).update(removed_at="2026-01-01T00:00:00Z")
    assert root.get(page_of(item)).status_code == 302
    assert "Perhaps it was deleted" in root.get(page_of(item), follow=True).content.decode()
    list(removal.removed_items.sweep())
    assert not Item.objects.exists()
