"""The caller's own score from the cache is never older than an acknowledged write of any kind."""

import pytest
from django.core.management import call_command
from django.db import transaction

from ratings import removal, services
from ratings.models import Item, Score, my_scores
from tests.support.empty_redis import empty_redis
from tests.support.interpose import interpose
from tests.support.threads import in_another_thread
from users.models import User
from users.services import delete_user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def scored(alice, bob, item):
    """An item that alice has rated and bob has not; both answers are cached."""
    services.rate(user_id=alice.pk, item_id=item.pk, score=5)
    return item


def mine(api, item, by):
    (found,) = api.get(f"ratings?ids={item.pk}", by=by).json["results"]
    assert api.get(f"ratings/{item.pk}", by=by).json == found
    return found["my_score"]


def truth(item, by):
    return Score.objects.filter(user_id=by.pk, item=item).values_list("score", flat=True).first()


WRITES = {
    "rate": lambda item, alice, bob: services.rate(user_id=bob.pk, item_id=item.pk, score=8),
    "change": lambda item, alice, bob: services.rate(user_id=alice.pk, item_id=item.pk, score=8),
    "withdraw": lambda item, alice, bob: services.withdraw(user_id=alice.pk, item_id=item.pk),
    "withdraw and rate": lambda item, alice, bob: (
        services.withdraw(user_id=alice.pk, item_id=item.pk),
        services.rate(user_id=alice.pk, item_id=item.pk, score=1),
    ),
    "save": lambda item, alice, bob: Score(pk=Score.objects.get().pk, user=alice, item=item, score=9).save(),
    "save to another": lambda item, alice, bob: Score(pk=Score.objects.get().pk, user=bob, item=item, score=9).save(),
    "bulk_create": lambda item, alice, bob: Score.objects.bulk_create([Score(user=bob, item=item, score=2)]),
    "delete": lambda item, alice, bob: Score.objects.get().delete(),
    "delete many": lambda item, alice, bob: Score.objects.filter(item=item).delete(),
    "deletion hook": lambda item, alice, bob: list(removal.delete_scores_of(alice.pk)),
}


@pytest.mark.parametrize("write", WRITES)
def test_a_write_shows_at_once(api, alice, bob, scored, write):
    before = mine(api, scored, alice), mine(api, scored, bob)
    assert before == (5, None)
    WRITES[write](scored, alice, bob)
    now = mine(api, scored, alice), mine(api, scored, bob)
    assert now == (truth(scored, alice), truth(scored, bob)) != before


@pytest.mark.parametrize("write", [each for each in WRITES if each != "deletion hook"])
def test_nobody_sees_it_before_its_commit_and_everybody_after(api, alice, bob, scored, write):
    def seen():
        return mine(api, scored, alice), mine(api, scored, bob)

    before = seen()
    with transaction.atomic():
        WRITES[write](scored, alice, bob)
        assert in_another_thread(seen) == before
    assert in_another_thread(seen) == (truth(scored, alice), truth(scored, bob))


@pytest.mark.parametrize("write", WRITES)
def test_who_read_before_a_write_leaves_nothing_old_behind(api, alice, bob, scored, write):
    for by in (alice, bob):
        empty_redis()
        with interpose(
            type(my_scores), "load", after=lambda: in_another_thread(lambda: WRITES[write](scored, alice, bob))
        ):
            api.get(f"ratings/{scored.pk}", by=by)
        assert mine(api, scored, by) == truth(scored, by)
        Score.objects.all().delete()
        services.rate(user_id=alice.pk, item_id=scored.pk, score=5)


@pytest.mark.parametrize("end", ["the admin", "the model itself", "a command"])
def test_people_and_items_that_go(api, root, alice, bob, scored, end):
    services.rate(user_id=bob.pk, item_id=scored.pk, score=7)
    kept = services.publish(title="Another")
    services.rate(user_id=alice.pk, item_id=kept.pk, score=3)
    assert [mine(api, item, by) for item in (scored, kept) for by in (alice, bob)] == [5, 7, 3, None]
    if end == "the admin":
        root.post(f"/admin/ratings/item/{scored.pk}/delete/", {"post": "yes"})
        root.post(f"/admin/users/user/{bob.pk}/delete/", {"post": "yes"})
    elif end == "the model itself":
        Item.objects.get(pk=scored.pk).delete()
        User.objects.get(pk=bob.pk).delete()
    else:
        removal.remove([scored.pk])
        call_command("delete_user", bob.pk)
    assert api.get(f"ratings?ids={scored.pk}", by=alice).json == {"results": [], "missing": [scored.pk]}
    assert mine(api, kept, alice) == 3
    assert list(Score.objects.values_list("user_id", "item_id")) == [(alice.pk, kept.pk)]
    again = Item.objects.create(pk=scored.pk, title="Under the same id, as a restored backup has it")
    assert mine(api, again, alice) is None


def test_a_deleted_user_whose_deletion_is_cut_short(api, alice, bob, scored):
    deleting = delete_user(alice.pk)
    next(deleting)
    del deleting
    assert (Score.objects.count(), mine(api, scored, bob)) == (0, None)
