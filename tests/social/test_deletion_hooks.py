"""Deletion of a user with many edges: short transactions, exact counters, resumable."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs import deletion
from social import services
from social.models import Block, Follow
from tests.social.follow_counts import follow_counts
from users.models import User
from users.services import delete_user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def fans(new_user, alice, bob, follow, monkeypatch):
    monkeypatch.setattr(deletion, "CHUNK", 5)
    people = [new_user(f"crowd_{number:03}") for number in range(12)]
    follow(*people, alice)
    follow(*people, bob)
    follow(alice, people[0])
    services.block(blocker_id=alice.pk, blocked_id=people[-1].pk)
    return people


def test_chunks_then_the_account(alice, bob, fans):
    assert list(delete_user(alice.pk)) == [1, 5, 5, 1, 1]
    assert not User.objects.filter(pk=alice.pk).exists()
    assert (Follow.objects.count(), Block.objects.count()) == (12, 0)
    assert follow_counts(bob, fans[0], fans[1]) == [(12, 0), (0, 1), (0, 1)]


def test_cut_short_it_goes_on(api, alice, bob, fans):
    deleting = delete_user(alice.pk)
    assert next(deleting) + next(deleting) == 6
    del deleting
    assert api.get("users/me", by=alice).json["code"] == "user_inactive"  # refused as soon as the deletion has begun
    edges = Follow.objects.filter(followee=alice).count()
    assert follow_counts(alice, fans[0]) == [(edges, 0), (0, 1)]
    assert sum(delete_user(alice.pk)) == edges + 1
    assert follow_counts(bob, fans[0]) == [(12, 0), (0, 1)]


def test_by_the_page_and_by_the_action_of_the_admin(root, alice, bob, fans):
    address = f"/admin/users/user/{alice.pk}/delete/"
    with CaptureQueriesContext(connection) as queries:
        assert b"alice" in root.get(address).content
    edges = [query["sql"] for query in queries if "social_" in query["sql"]]
    assert all("COUNT(" in sql and "LIMIT 10001" in sql for sql in edges)  # the confirmation page lists no edges
    with CaptureQueriesContext(connection) as queries:
        assert root.post(address, {"post": "yes"}).status_code == 302
    assert follow_counts(fans[0], fans[1]) == [(0, 1), (0, 1)]
    if connection.vendor == "sqlite":
        assert sum(query["sql"].startswith("BEGIN") for query in queries) >= 5
    confirmed = {"action": "delete_selected", "_selected_action": [bob.pk], "post": "yes"}
    assert root.post("/admin/users/user/", confirmed).status_code == 302
    assert follow_counts(fans[0], fans[1]) == [(0, 0), (0, 0)]
    assert not Follow.objects.exists()


def test_the_command(alice, fans, capsys):
    with pytest.raises(CommandError, match="There is no user 999999; nobody was deleted"):
        call_command("delete_user", str(alice.pk), "999999")
    call_command("delete_user", str(alice.pk), verbosity=2)
    assert "is gone, with 13 rows" in capsys.readouterr().out
    assert not User.objects.filter(pk=alice.pk).exists()
