"""Demo items: created once, counted at once, with histograms of various shapes."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.test import override_settings

from counters import reconcile
from counters.reads import counts_of
from ratings import demo
from ratings.counts import HISTOGRAM, KIND
from ratings.models import Item, Score

pytestmark = pytest.mark.django_db(transaction=True)


def seed(users: int) -> str:
    output = StringIO()
    with override_settings(DEBUG=True):
        call_command("seed_demo", users=users, stdout=output)
    return output.getvalue()


def rows() -> list:
    return [list(model.objects.order_by("pk").values()) for model in (Item, Score)]


def test_some_are_known_to_many_and_most_to_few():
    sizes = sorted(len(list(thing.scores(3_000))) for thing in demo.items())
    assert sizes[-1] > 1_000
    assert sizes[len(sizes) // 2] < 300
    for thing in demo.items():
        of_more = list(thing.scores(700))
        assert [each for each in of_more if each[0] < 300] == list(thing.scores(300))


def test_everything_is_counted_and_again_changes_nothing(api):
    said = seed(300)
    assert f"{len(list(demo.items()))} items added." in said
    assert f"{Score.objects.count()} scores added." in said
    assert [drift for chunk in reconcile.run(KIND, mend=False) for drift in chunk.drifts] == []
    counts = counts_of(KIND, list(Item.objects.values_list("pk", flat=True)))
    assert len({max(HISTOGRAM, key=each.get) for each in counts.values() if each["count"]}) > 5
    before = rows()
    again = seed(300)
    assert "0 items added." in again
    assert "0 scores added." in again
    assert rows() == before
    seed(330)
    assert [now[: len(then)] for now, then in zip(rows(), before, strict=True)] == before
    score = Score.objects.first()
    assert api.get(f"ratings/{score.item_id}", by=score.user).json["my_score"] == score.score


def test_what_people_and_staff_did_meanwhile_stays():
    seed(60)
    item, score = Item.objects.first(), Score.objects.first()
    Item.objects.update_one(item.pk, title="Renamed")
    Score(pk=score.pk, user_id=score.user_id, item_id=score.item_id, score=11 - score.score).save()
    before = rows()
    seed(60)
    assert rows() == before
