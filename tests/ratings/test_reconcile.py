"""reconcile_counters corrects the counters of ratings and rebuilds them from the rows."""

import io

import pytest
from django.core.management import call_command

from counters.models import Counter, Delta
from ratings import services
from ratings.counts import KIND
from ratings.models import Score
from tests.ratings.totals import shown, truth
from tests.support.empty_redis import empty_redis

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def rated(item, alice, bob, carol):
    for person, score in ((alice, 5), (bob, 10), (carol, 10)):
        services.rate(user_id=person.pk, item_id=item.pk, score=score)
    return item


def run(*args):
    out = io.StringIO()
    call_command("reconcile_counters", *args, stdout=out, verbosity=0)
    return out.getvalue().splitlines()


def test_what_drifted_is_mended(api, alice, rated):
    Delta.objects.create(kind=KIND, target_id=rated.pk, name="score_5", amount=2)
    Delta.objects.create(kind=KIND, target_id=rated.pk, name="sum", amount=-7)
    empty_redis()
    told = [f"rating:{rated.pk} score_5: showed 3, is 1 (-2)", f"rating:{rated.pk} sum: showed 18, is 25 (+7)"]
    with pytest.raises(SystemExit):
        run(KIND, "--check")
    assert run("--target", f"{KIND}:{rated.pk}", "--dry-run")[:-1] == told
    assert run(KIND)[:-1] == told
    run(KIND, "--check")
    call_command("rollup_counters", once=True)
    assert shown(rated) == truth(rated)
    assert api.get(f"ratings/{rated.pk}", by=alice).json["score"] == 8.33


@pytest.mark.parametrize("folded", [True, False])
def test_rebuilt_from_nothing_it_equals_what_was_live(api, bob, rated, folded):
    if folded:
        call_command("rollup_counters", once=True)
    live = api.get(f"ratings/{rated.pk}", by=bob).json
    Counter.objects.all().delete()
    Delta.objects.all().delete()
    run(KIND)
    empty_redis()
    rebuilt = api.get(f"ratings/{rated.pk}", by=bob).json
    assert rebuilt == live
    assert (rebuilt["count"], sum(rebuilt["histogram"].values())) == (3, Score.objects.count())
