"""Follows, blocks and relationships between two users."""

import pytest

from social.models import Block, Follow
from tests.support.empty_redis import empty_redis
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)
NOTHING = dict.fromkeys(("following", "followed_by", "mutual", "blocking", "blocked_by"), False)


def relationship(other, *true) -> dict:
    return {"id": other.pk, **NOTHING, **dict.fromkeys(true, True)}


def between(api, viewer, other) -> dict:
    (found,) = api.get(f"relationships?ids={other.pk}", by=viewer).json["results"]
    return found


def test_follow_and_unfollow_answer_the_same_when_repeated(api, alice, bob):
    for _ in range(2):
        answer = api.put(f"users/{bob.pk}/follow", by=alice)
        assert (answer.status, answer.json) == (200, relationship(bob, "following"))
        assert Follow.objects.count() == 1
    assert between(api, bob, alice) == relationship(alice, "followed_by")
    assert api.put(f"users/{alice.pk}/follow", by=bob).json == relationship(alice, "following", "followed_by", "mutual")
    for _ in range(2):
        assert api.delete(f"users/{bob.pk}/follow", by=alice).json == relationship(bob, "followed_by")
    assert list(Follow.objects.values_list("follower_id", flat=True)) == [bob.pk]


def test_removing_a_follower(api, alice, bob, follow):
    follow(bob, alice)
    follow(alice, bob)
    for _ in range(2):
        assert api.delete(f"users/{bob.pk}/follower", by=alice).json == relationship(bob, "following")
    assert between(api, bob, alice) == relationship(alice, "followed_by")


def test_a_block_removes_both_follows_and_unblocking_restores_none(api, alice, bob, follow):
    follow(alice, bob)
    follow(bob, alice)
    for _ in range(2):
        assert api.put(f"users/{bob.pk}/block", by=alice).json == relationship(bob, "blocking")
    assert between(api, bob, alice) == relationship(alice, "blocked_by")
    assert not Follow.objects.exists()
    for viewer, other in ((alice, bob), (bob, alice)):
        refused = api.put(f"users/{other.pk}/follow", by=viewer)
        assert (refused.status, refused.json["code"]) == (403, "blocked")
    assert api.delete(f"users/{alice.pk}/follow", by=bob).json == relationship(alice, "blocked_by")
    assert api.delete(f"users/{alice.pk}/block", by=bob).json == relationship(
        alice, "blocked_by"
    )  # alice's block of bob stays
    for _ in range(2):
        assert api.delete(f"users/{bob.pk}/block", by=alice).json == relationship(bob)
    assert not Follow.objects.exists()
    assert not Block.objects.exists()


def test_both_block_each_other(api, alice, bob, block):
    block(alice, bob)
    assert api.put(f"users/{alice.pk}/block", by=bob).json == relationship(alice, "blocking", "blocked_by")
    assert api.delete(f"users/{bob.pk}/block", by=alice).json == relationship(bob, "blocked_by")
    assert api.put(f"users/{bob.pk}/follow", by=alice).status == 403


EVERY_VERB = [("PUT", "follow"), ("DELETE", "follow"), ("DELETE", "follower"), ("PUT", "block"), ("DELETE", "block")]


@pytest.mark.parametrize(("method", "edge"), EVERY_VERB)
def test_bad_targets(api, alice, method, edge):
    for target, status, code in (
        (alice.pk, 400, "self"),
        ("me", 400, "bad_id"),
        ("0", 400, "bad_id"),
        (2**63, 400, "bad_id"),
        (2**63 - 1, 404, "not_found"),
    ):
        answer = api.request(method, f"users/{target}/{edge}", by=alice)
        assert (answer.status, answer.json["code"]) == (status, code), target
    assert not Follow.objects.exists()
    assert not Block.objects.exists()


def test_relationships_keep_the_order_and_name_the_unknown(api, alice, bob, carol, follow, block):
    follow(alice, bob)
    block(carol, alice)
    answer = api.get(f"relationships?ids={carol.pk},999999,{bob.pk},{carol.pk},{alice.pk}", by=alice)
    assert answer.json == {
        "results": [relationship(carol, "blocked_by"), relationship(bob, "following"), relationship(alice)],
        "missing": [999999],
    }
    for bad in ("relationships", "relationships?ids=", "relationships?ids=x", f"relationships?ids={'1,' * 100}1"):
        assert api.get(bad, by=alice).status == 400


@pytest.mark.parametrize("cached", ["", "carol", "dora", "carol,dora", "alice,bob,carol,dora"])
def test_accounts_that_are_gone_are_missing_however_much_is_cached(api, alice, bob, carol, dora, follow, cached):
    """The entries of accounts tell it, and so does the database for those that are not cached."""
    people = {"alice": alice, "bob": bob, "carol": carol, "dora": dora}
    follow(alice, carol)
    empty_redis()
    for name in filter(None, cached.split(",")):
        User.objects.get_one(people[name].pk)
    ids = f"{dora.pk},{carol.pk},999999,{bob.pk}"
    for _ in range(2):
        found = api.get(f"relationships?ids={ids}", by=alice).json
        assert found == {
            "results": [relationship(carol, "following"), relationship(bob)], "missing": [dora.pk, 999999]
        }  # fmt: skip
    for is_active in (True, False):
        User.objects.filter(pk=dora.pk).update(is_active=is_active)
        assert (dora.pk in api.get(f"relationships?ids={ids}", by=alice).json["missing"]) is not is_active


def test_deleting_a_user_ends_their_edges(api, alice, bob, carol, follow, block):
    follow(alice, bob)
    follow(bob, alice)
    block(carol, bob)
    assert between(api, alice, bob) == relationship(bob, "following", "followed_by", "mutual")
    bob_id = bob.pk
    bob.delete()
    assert not Follow.objects.exists()
    assert not Block.objects.exists()
    assert api.get(f"relationships?ids={bob_id}", by=alice).json == {"results": [], "missing": [bob_id]}
    assert api.put(f"users/{bob_id}/follow", by=alice).status == 404
