"""Answers for which the database has to be asked although all entries are hits: the hot lane leaves them to Django."""

import pytest

from caching.api import redis_client
from counters import blocks
from ratings.services import publish, rate
from tests.support.asgi_server import login
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]


def test_a_name_that_its_row_has_given_up(lane, django, alice, bob):
    own = login(alice)
    for path in ("users?username=bob", f"users/{bob.pk}"):
        lane.ask(f"/api/v1/{path}", headers=own)
    assert lane.ask("/api/v1/users?username=bob", headers=own).by_lane
    User.objects.update_one(bob.pk, username="robert")
    lane.ask(f"/api/v1/users/{bob.pk}", headers=own)  # the row is a hit, and so is the pointer to it
    found = lane.ask("/api/v1/users?username=bob", headers=own)
    assert (found.body, found.by_lane) == (b'{"results":[]}', False)
    again = lane.ask("/api/v1/users?username=bob", headers=own)
    assert (again.body, again.by_lane) == (found.body, True)


def test_counters_of_scores_that_do_not_add_up(lane, alice):
    item = publish(title="x")
    rate(user_id=alice.pk, item_id=item.pk, score=4)
    path, own = f"/api/v1/ratings/{item.pk}", login(alice)
    expected = lane.ask(path, headers=own).body
    assert lane.ask(path, headers=own).by_lane
    block = blocks.block_of("rating", item.pk)
    content = list(blocks.SOURCE.decode(block, redis_client().get(blocks.key(block))))
    content[1 + blocks.position("rating", item.pk, "sum")] += 1
    redis_client().set(blocks.key(block), blocks.SOURCE.encode(block, content)[0], px=60_000)
    found = lane.ask(path, headers=own)
    assert (found.body, found.by_lane) == (expected, False)
