"""What another program writes by SQL is seen by readers of the cache, and what follows from it is right."""

import pytest

from caching.api import Batch
from counters.api import counts_of
from social.models import followers, following, newest_followers
from tests.support.polling import wait_until
from users.models import SearchTerm, User

pytestmark = pytest.mark.services


def read(question):
    batch = Batch()
    result = batch.add(question)
    batch.run()
    return result.result


def follows(one, other):
    return read(following.among(one.pk, [other.pk]))[other.pk], read(followers.among(other.pk, [one.pk]))[one.pk]


def test_an_updated_row_is_seen(follower, sql, new_user):
    pk = new_user("alice", nickname="Alice").pk
    assert User.objects.get_one(pk).nickname == "Alice"
    sql("UPDATE users_user SET nickname='Alicia' WHERE id=%s", [pk])
    wait_until(lambda: User.objects.get_one(pk).nickname == "Alicia")


def test_edges_sets_lists_and_counters(follower, sql, alice, bob):
    assert follows(alice, bob) == (False, False)
    assert read(newest_followers.of(bob.pk)) == []
    assert counts_of("user", [bob.pk])[bob.pk]["followers"] == 0
    sql("INSERT INTO social_follow (follower_id, followee_id, created_at) VALUES (%s, %s, NOW(6))", [alice.pk, bob.pk])
    wait_until(lambda: follows(alice, bob) == (True, True))
    wait_until(lambda: len(read(newest_followers.of(bob.pk))) == 1)
    wait_until(lambda: counts_of("user", [bob.pk])[bob.pk]["followers"] == 1)
    sql("DELETE FROM social_follow")
    wait_until(lambda: follows(alice, bob) == (False, False))
    wait_until(lambda: counts_of("user", [bob.pk])[bob.pk]["followers"] == 0)


def test_search_terms_follow_a_name(follower, sql, alice):
    sql("UPDATE users_user SET nickname='Zebedee' WHERE id=%s", [alice.pk])
    wait_until(lambda: SearchTerm.objects.filter(user_id=alice.pk, term__startswith="zebedee").exists())
