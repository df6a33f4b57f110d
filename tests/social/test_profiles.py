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
    answer = api.get(f"users/profiles?ids={alice.pk},{bob.pk},999999,{bob.pk},{carol.pk}", by=alice).json
    assert answer["missing"] == [999999, carol.pk]
    own, friend = answer["results"]
    assert (own["id"], friend["id"]) == (alice.pk, bob.pk)
    assert {name: friend[name] for name in ("username", "state", "counts", "relationship")} == {
        "username": "bob",
        "state": {"id": bob.pk, "status": "busy", "message": "x", "last_seen_at": None},
        "counts": {"followers": 2, "following": 1, "posts": 0},
        "relationship": {
            "id": bob.pk, "following": True, "followed_by": True, "mutual": True, "blocking": False,
            "blocked_by": False,
        },
    }  # fmt: skip
    assert own["state"]["status"] == "offline"
    assert own["counts"] == {"followers": 1, "following": 1, "posts": 0}
    assert not own["relationship"]["following"]
    assert "email" not in friend


@pytest.mark.parametrize("blocker_is_the_viewer", [True, False])
def test_a_profile_behind_a_block(api, alice, bob, block, blocker_is_the_viewer):
    block(*((alice, bob) if blocker_is_the_viewer else (bob, alice)))
    for ids in (f"{bob.pk}", f"999999,{bob.pk}"):
        answer = api.get(f"users/profiles?ids={ids}", by=alice)
        assert (answer.status, answer.json["code"]) == (403, "blocked")
    found = api.get(f"users/profiles?ids={bob.pk},{alice.pk}", by=alice).json
    assert ([each["id"] for each in found["results"]], found["missing"]) == ([alice.pk], [bob.pk])


def test_a_public_user_is_the_same_everywhere(api, alice, bob):
    (profile,) = api.get(f"users/profiles?ids={bob.pk}", by=alice).json["results"]
    public = api.get(f"users/{bob.pk}", by=alice).json
    assert {name: profile[name] for name in public} == public
    assert profile.keys() - public.keys() == {"state", "counts", "relationship"}


@pytest.mark.parametrize("query", ["", "?ids=", "?ids=me", "?ids=0", "?ids=" + ",".join(["1"] * 101)])
def test_bad_ids(api, alice, query):
    assert api.get(f"users/profiles{query}", by=alice).status == 400
