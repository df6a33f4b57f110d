"""Deletion of items: invisible at once, exact counters, short transactions, resumable."""

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from caching.protocol import steps
from counters.reads import counts_of
from jobs import deletion
from posts import services as posts
from posts.models import Post
from posts.removal import mark as mark_post
from ratings import removal, services
from ratings.counts import KIND
from ratings.models import Item, Score
from tests.ratings.totals import assert_settled, drifts
from users.services import delete_user

pytestmark = pytest.mark.django_db(transaction=True)


def shown(item_id):
    return counts_of(KIND, [item_id])[item_id]


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(deletion, "CHUNK", 5)
    monkeypatch.setattr(removal, "CHUNK", 5)
    monkeypatch.setattr(deletion, "AT_ONCE", 5)


def test_everything_is_settled(root, item, fans):
    assert shown(item.pk)["count"] == 12
    assert root.post(f"/admin/ratings/item/{item.pk}/delete/", {"post": "yes"}).status_code == 302
    assert_settled(item)


def test_by_the_model_itself(item, fans):
    Item.objects.get(pk=item.pk).delete()
    assert_settled(item)


def test_what_many_rated_is_gone_at_once_and_swept_later(api, root, alice, item, fans, small_chunks):
    kept = services.publish(title="Another")
    services.rate(user_id=alice.pk, item_id=kept.pk, score=9)
    api.get(f"ratings?ids={item.pk},{kept.pk}", by=fans[0])
    root.post("/admin/ratings/item/", {"action": "delete_selected", "_selected_action": [item.pk], "post": "yes"})
    assert Score.objects.filter(item=item).count() == 7
    assert api.get(f"ratings/{item.pk}", by=fans[0]).status == 404
    found = api.get(f"ratings?ids={item.pk},{kept.pk}", by=fans[0]).json
    assert ([each["id"] for each in found["results"]], found["missing"]) == ([kept.pk], [item.pk])
    assert api.put(f"ratings/{item.pk}/score", {"score": 5}, by=fans[0]).status == 404
    assert api.delete(f"ratings/{item.pk}/score", by=fans[-1]).status == 404
    assert Score.objects.filter(item=item).count() == 7
    assert [each.pk for each in root.get("/admin/ratings/item/").context["cl"].result_list] == [kept.pk]
    assert root.get(f"/admin/ratings/item/{item.pk}/change/").status_code == 302
    assert drifts() == []
    sweeping = removal.removed_items.sweep()
    with CaptureQueriesContext(connection) as queries:
        assert next(sweeping) == 5
    assert sum(query["sql"].startswith("DELETE ") for query in queries) == 1
    assert drifts() == []
    del sweeping  # as if its process had been killed
    call_command("sweep_removed", once=True)
    assert_settled(item)
    assert shown(kept.pk)["sum"] == 9


def test_a_chunk_costs_the_same_however_many_rows_it_has(item, fans, monkeypatch):
    """Upper bound: a delta for the count, the sum and each bar of the histogram."""
    Item.objects.filter(pk=item.pk).update(removed_at=timezone.now())
    log = 1 if connection.features.can_return_rows_from_bulk_insert else 12
    with CaptureQueriesContext(connection) as queries:
        assert next(removal.removed_items.sweep()) == 12
    texts = [query["sql"] for query in queries if not query["sql"].startswith(("BEGIN", "COMMIT"))]
    assert len(texts) <= 4 + log, texts  # the item, its rows, lock, delete


def test_a_sweep_finds_what_is_removed_without_looking_through_all_items(item):
    with CaptureQueriesContext(connection) as queries:
        assert list(removal.removed_items.sweep()) == []
    (query,) = (each["sql"] for each in queries)
    with connection.cursor() as cursor:
        cursor.execute(("EXPLAIN " if connection.vendor == "mysql" else "EXPLAIN QUERY PLAN ") + query)
        plan = str(cursor.fetchall())
    assert "removed_at" in plan, plan


def test_the_sweeper_takes_turns_between_rooms(item, alice, fans, small_chunks):
    post = posts.publish(author_id=alice.pk, text="Hello")
    Item.objects.filter(pk=item.pk).update(removed_at=timezone.now())
    mark_post(post.pk)
    assert deletion.step() == 5 + 1  # five scores; the post, to which no row refers
    assert not Post.objects.exists()
    while deletion.step():
        pass
    assert_settled(item)


def test_what_the_database_refuses_now_is_swept_later(api, root, bob, item, fans, monkeypatch):
    def refuse(*_, **__):
        raise OperationalError(1213, "Deadlock found when trying to get lock")

    with monkeypatch.context() as patched:
        patched.setattr(deletion, "in_chunks", refuse)
        assert root.post(f"/admin/ratings/item/{item.pk}/delete/", {"post": "yes"}).status_code == 302
    assert api.get(f"ratings/{item.pk}", by=bob).status == 404
    assert Score.objects.count() == 12
    call_command("sweep_removed", once=True)
    assert_settled(item)


def test_somebody_who_came_just_before_the_end(api, bob, item, fans, monkeypatch):
    """A rating that passed the check before the removal's mark is written after all other scores are deleted.

    The sweep deletes it, not a cascade, which would hold the item's lock for any number of such ratings.
    """
    delete_alone, gone = removal.removed_items._delete_alone, []

    def once_more(item_id):
        if not gone:
            services.rate(user_id=bob.pk, item_id=item_id, score=5)
        gone.append(delete_alone(item_id))
        return gone[-1]

    monkeypatch.setattr(removal.removed_items, "_delete_alone", once_more)
    removal.remove([item.pk])
    assert gone == [False, True]
    assert_settled(item)
    with pytest.raises(Item.DoesNotExist):
        services.rate(user_id=bob.pk, item_id=item.pk, score=5)


@pytest.mark.parametrize("warm", [True, False])
def test_a_rating_whose_item_goes_before_the_answer(api, alice, item, monkeypatch, warm):
    """The item is removed between the commit of a rating and the read for its answer, cached or not."""
    lift = steps.lift

    def too_late(*written):
        monkeypatch.undo()
        removal.remove([item.pk])
        if warm:
            api.get(f"ratings/{item.pk}", by=alice)
        return lift(*written)

    api.get(f"ratings/{item.pk}", by=alice)
    monkeypatch.setattr(steps, "lift", too_late)
    assert api.put(f"ratings/{item.pk}/score", {"score": 5}, by=alice).status == 404
    assert_settled(item)


def test_a_person_goes_with_all_scores(alice, item, fans, small_chunks):
    for number in range(7):
        services.rate(user_id=fans[0].pk, item_id=services.publish(title=f"Item {number}").pk, score=4)
    list(delete_user(fans[0].pk))
    assert Score.objects.count() == 11
    assert shown(item.pk)["count"] == 11
    assert drifts() == []
