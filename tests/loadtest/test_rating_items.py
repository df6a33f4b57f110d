"""The checks of rated items, and the scores that the benchmark sends."""

import json
from itertools import pairwise
from types import SimpleNamespace

from django.db import connection

from counters import rollup
from counters.models import Delta
from loadtest.bench import rating_items
from ratings import services as rating


def test_drift_of_count_sum_and_histogram_is_found(site, tallies):
    env = SimpleNamespace(sql=rows_of)
    item = rating.publish(title="Tea house").pk
    tallies.create(item_id=item, count=2, sum=14, score_5=1, score_9=1)
    for user, score in ((1, 5), (2, 9)):
        rating.rate(user_id=user, item_id=item, score=score)
    assert [rating_items.drift(env, variant, item) for variant in rating_items.ADDRESSES] == [0, 0, 0]
    assert rating_items.drift(env, rating_items.APPENDED, item, pending=False) == 2 + 14 + 1 + 1
    rollup.roll_up_all()
    assert rating_items.drift(env, rating_items.APPENDED, item, pending=False) == 0
    tallies.filter(pk=item).update(sum=13, score_1=1)
    Delta.objects.create(kind="rating", target_id=item, name="score_5", amount=-1)
    assert [rating_items.drift(env, variant, item) for variant in rating_items.ADDRESSES] == [2, 2, 1]


def rows_of(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def test_each_body_is_a_change():
    assert all(one != other for one, other in pairwise([*rating_items.BODIES, rating_items.BODIES[0]]))
    assert sorted(json.loads(body)["score"] for body in rating_items.BODIES) == list(rating_items.SCORES)
