"""Edges in the admin: the rules of the API, and lists that do not count a whole table."""

import re

import pytest
from django.contrib.admin import ModelAdmin
from django.db import connection
from django.test.utils import CaptureQueriesContext

from social.models import Block, Follow
from tests.social.follow_counts import follow_counts
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)
FOLLOWS, BLOCKS = "/admin/social/follow/", "/admin/social/block/"


def test_a_follow_made_and_ended_here_is_counted_and_seen(api, root, alice, bob):
    assert follow_counts(alice, bob) == [(0, 0), (0, 0)]
    relationship = f"relationships?ids={bob.pk}"
    assert not api.get(relationship, by=alice).json["results"][0]["following"]
    assert root.post(f"{FOLLOWS}add/", {"follower": alice.pk, "followee": bob.pk}).status_code == 302
    assert follow_counts(alice, bob) == [(0, 1), (1, 0)]
    assert api.get(relationship, by=alice).json["results"][0]["following"]
    confirmed = {"action": "delete_selected", "_selected_action": [Follow.objects.get().pk], "post": "yes"}
    assert root.post(FOLLOWS, confirmed).status_code == 302
    assert follow_counts(alice, bob) == [(0, 0), (0, 0)]
    assert not api.get(relationship, by=alice).json["results"][0]["following"]


def test_one_edge_ended_by_its_page_leads_back_to_the_list(root, alice, bob, follow):
    follow(alice, bob)
    page = root.post(f"{FOLLOWS}{Follow.objects.get().pk}/delete/", {"post": "yes"}, follow=True)
    assert page.redirect_chain == [(FOLLOWS, 302)]
    assert b"was deleted successfully" in page.content
    assert follow_counts(alice, bob) == [(0, 0), (0, 0)]


def test_a_block_made_here_ends_the_follows(root, alice, bob, follow):
    follow(alice, bob)
    follow(bob, alice)
    assert root.post(f"{BLOCKS}add/", {"blocker": alice.pk, "blocked": bob.pk}).status_code == 302
    assert follow_counts(alice, bob) == [(0, 0), (0, 0)]
    assert (Block.objects.count(), Follow.objects.count()) == (1, 0)


@pytest.mark.parametrize(("address", "ends"), [(FOLLOWS, ("follower", "followee")), (BLOCKS, ("blocker", "blocked"))])
def test_nobody_gets_an_edge_who_is_gone(root, alice, dora, address, ends):
    for pair in ((alice, dora), (dora, alice)):
        form = dict(zip(ends, (user.pk for user in pair), strict=True))
        assert "One of the two is not active." in root.post(f"{address}add/", form).content.decode()
    assert not Follow.objects.exists()
    assert not Block.objects.exists()


def test_what_the_api_refuses_is_refused_here(root, alice, bob, block):
    block(bob, alice)
    for form, sentence in (
        ({"follower": alice.pk, "followee": bob.pk}, "One of the two blocks the other."),
        ({"follower": alice.pk, "followee": alice.pk}, "Nobody follows or blocks themselves."),
        ({"follower": alice.pk, "followee": 999999}, "is not one of the available choices"),
    ):
        assert sentence in root.post(f"{FOLLOWS}add/", form).content.decode()
    assert not Follow.objects.exists()
    again = root.post(f"{BLOCKS}add/", {"blocker": bob.pk, "blocked": alice.pk})
    assert "already exists" in again.content.decode() or "is violated" in again.content.decode()
    assert Block.objects.count() == 1


def test_an_edge_is_not_edited_into_another(root, alice, bob, carol, follow):
    follow(alice, bob)
    edge = Follow.objects.get()
    page = root.get(f"{FOLLOWS}{edge.pk}/change/")
    assert page.status_code == 200
    assert b'name="followee"' not in page.content
    assert str(edge.created_at.year) in page.content.decode()
    assert root.post(f"{FOLLOWS}{edge.pk}/change/", {"follower": alice.pk, "followee": carol.pk}).status_code == 403


def test_the_same_edge_twice_is_a_sentence(root, alice, bob, follow):
    follow(alice, bob)
    again = root.post(f"{FOLLOWS}add/", {"follower": alice.pk, "followee": bob.pk})
    assert again.status_code == 200
    assert "already exists" in again.content.decode() or "is violated" in again.content.decode()
    for bad in ("", "x", "0", "-1", "9" * 30):
        assert root.post(f"{FOLLOWS}add/", {"follower": bad, "followee": bob.pk}).status_code == 200
    assert Follow.objects.count() == 1


@pytest.mark.parametrize(("address", "names"), [(FOLLOWS, ("follower", "followee")), (BLOCKS, ("blocker", "blocked"))])
def test_somebody_deleted_while_the_form_is_saved(root, alice, bob, monkeypatch, address, names):
    """Another process deletes the user after the form's validation and before its save."""
    take = ModelAdmin.save_form

    def deleted_meanwhile(*args, **options):
        User.objects.filter(pk=bob.pk).delete()
        return take(*args, **options)

    monkeypatch.setattr(ModelAdmin, "save_form", deleted_meanwhile)
    page = root.post(f"{address}add/", dict(zip(names, (alice.pk, bob.pk), strict=True)), follow=True)
    assert page.status_code == 200
    assert b"One of the two was deleted meanwhile; nothing is changed." in page.content
    assert User.objects.filter(pk=bob.pk).exists()  # the deletion was part of the transaction that was rolled back
    assert not Follow.objects.exists()
    assert not Block.objects.exists()


def test_people_are_raw_ids(root, alice):
    for address in (FOLLOWS, BLOCKS):
        page = root.get(f"{address}add/").content.decode()
        assert "vForeignKeyRawIdAdminField" in page
        assert "Created at" not in page
        assert "<select" not in page


def test_search_by_user(root, alice, bob, carol, follow):
    follow(alice, bob)
    follow(bob, carol)
    for q, found in ((alice.pk, 1), (bob.pk, 2), ("BOB", 2), ("carol", 1), ("x", 0), ("", 2), ("9" * 30, 0)):
        assert len(root.get(FOLLOWS, {"q": q}).context["cl"].result_list) == found


def test_lists_do_not_count_all_rows(root, alice, bob, follow, block):
    follow(alice, bob)
    block(alice, bob)
    for address in (FOLLOWS, BLOCKS):
        with CaptureQueriesContext(connection) as queries:
            assert root.get(address).status_code == 200
        counts = [query["sql"] for query in queries if "COUNT(" in query["sql"]]
        assert counts
        assert all(re.search(r"LIMIT 10001\b", sql) for sql in counts), counts
        assert len(queries) <= 6
