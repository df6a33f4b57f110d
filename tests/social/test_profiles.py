"""GET users/profiles: rows, counters and relationships, in the order of the ids."""

import pytest

from users.models import UserState

pytestmark = pytest.mark.django_db(transaction=True)


def test_profiles(api, alice, bob, carol, follow, block):
    follow(alice, bob)
    follow(carol, bob)
    follow(bob, alice)
    block(alice, carol)
    UserState.objects.create_one(user_id=bob.pk, status="busy", message="x")
    answer = api.get(f"users/profiles?ids={carol.pk},{bob.pk},999999,{bob.pk}", by=alice).json
    assert answer["missing"] == [999999]
    other, friend = answer["results"]
    assert (other["id"], friend["id"]) == (carol.pk, bob.pk)
    assert {name: friend[name] for name in ("username", "state", "counts", "relationship")} == {
        "username": "bob",
        "state": {"id": bob.pk, "status": "busy", "message": "x", "last_seen_at": None},
        "counts": {"followers": 2, "following": 1, "posts": 0},
        "relationship": {
            "id": bob.pk, "following": True, "followed_by": True, "mutual": True, "blocking": False,
            "blocked_by": False,
        },
    }  # fmt: skip
    assert other["state"]["status"] == "offline"
    assert other["counts"] == {"followers": 0, "following": 1, "posts": 0}
    assert other["relationship"]["blocking"]
    assert "email" not in friend


def test_a_public_user_is_the_same_everywhere(api, alice, bob):
    (profile,) = api.get(f"users/profiles?ids={bob.pk}", by=alice).json["results"]
    public = api.get(f"users/{bob.pk}", by=alice).json
    assert {name: profile[name] for name in public} == public
    assert profile.keys() - public.keys() == {"state", "counts", "relationship"}


@pytest.mark.parametrize("query", ["", "?ids=", "?ids=me", "?ids=0", "?ids=" + ",".join(["1"] * 101)])
def test_bad_ids(api, alice, query):
    assert api.get(f"users/profiles{query}", by=alice).status == 400
