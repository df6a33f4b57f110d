"""A popup that was shown cannot be deleted, however soon after; an acknowledged event is in the table once."""

import os

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError

from caching.api import redis_client
from popups.admin.statistics import EventCounts
from popups.events import stream
from popups.models import Event, Popup, Unrecorded
from tests.popups.admin_form import POPUPS
from tests.popups.processes import delete_each, enter_each
from tests.popups.shards import backlog, forget_totals, stream_key, take
from tests.support.forkserver import Fork, pause, run_connected, run_in_processes
from users.services import delete_user

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS, USERS = 20 if os.environ.get("CI") else 60, 5


def by_page(root, popup):
    page = root.post(f"{POPUPS}{popup.pk}/delete/", {"post": "yes"}, follow=True)
    assert "was shown: switch it off instead." in page.content.decode()


def by_action(root, popup):
    chosen = {"action": "delete_selected", "_selected_action": [popup.pk], "post": "yes"}
    page = root.post(POPUPS, chosen, follow=True)
    assert "was shown: switch it off instead. Nothing was deleted." in page.content.decode()


def by_instance(root, popup):
    with pytest.raises(ProtectedError):
        popup.delete()


def by_queryset(root, popup):
    with pytest.raises(ProtectedError):
        Popup.objects.filter(pk=popup.pk).delete()


def by_all(root, popup):
    with pytest.raises(ProtectedError), transaction.atomic():
        Popup.objects.all().delete()


@pytest.mark.parametrize("delete", [by_page, by_action, by_instance, by_queryset, by_all])
@pytest.mark.parametrize("state", ["in the stream", "taken by a drain", "drained", "total lost"])
def test_it_cannot_be_deleted(root, enter, drain, alice, bob, popup, make, delete, state):
    for person in (alice, bob):
        assert enter(person).json["popup"]
    if state == "taken by a drain":
        take(stream.new_consumer())
    elif state == "drained":
        drain()
    elif state == "total lost":
        forget_totals(popup.pk)
    if delete in (by_page, by_action) and state == "drained":
        return  # tests/popups/test_admin.py: the page itself says so, before anything is tried
    unshown = make("Never shown", placement="elsewhere")
    delete(root, popup)
    assert set(Popup.objects.all()) == {popup, unshown}
    assert not Unrecorded.objects.exists()
    drain()
    assert sorted(Event.objects.values_list("user_id", flat=True)) == sorted([alice.pk, bob.pk])
    unshown.delete()
    assert list(Popup.objects.all()) == [popup]


@pytest.mark.parametrize("delete", [by_page, by_action, by_instance, by_queryset])
def test_nor_once_its_only_user_is_gone(root, enter, drain, alice, popup, delete):
    assert enter(alice).json["popup"]
    list(delete_user(alice.pk))
    drain()
    delete(root, popup)
    assert list(Popup.objects.all()) == [popup]


@pytest.mark.parametrize("delete", [by_page, by_action])
def test_a_drain_between_the_page_and_the_deletion(root, enter, drain, alice, popup, delete, monkeypatch):
    enter(alice)
    drain()
    monkeypatch.setattr("popups.admin.statistics.totals_of", lambda popups: {each.pk: EventCounts() for each in popups})
    delete(root, popup)
    assert list(Popup.objects.all()) == [popup]


def test_who_asks_goes_on_after_a_deletion_that_was_refused(enter, alice, bob, carol, popup):
    enter(alice)
    with pytest.raises(ProtectedError):
        popup.delete()
    assert enter(bob).json["popup"]
    assert enter(carol).json["popup"]


def test_a_deletion_without_redis_is_refused(own_redis, popup, root):
    own_redis.kill()
    with pytest.raises(ProtectedError, match="may have been shown, and Redis cannot be asked"):
        popup.delete()
    page = root.post(f"{POPUPS}{popup.pk}/delete/", {"post": "yes"}, follow=True)
    assert "may have been shown" in page.content.decode()
    assert Popup.objects.exists()
    own_redis.start()


def delete_and_pause(popup_id):
    """Delete a popup, and pause before the commit."""
    with transaction.atomic():
        Popup.objects.get(pk=popup_id).delete()
        pause()
    return True


@pytest.mark.parametrize("outcome", ["committed", "killed"])
def test_nobody_is_shown_what_is_being_deleted(enter, alice, bob, make, drain, outcome, monkeypatch):
    popup, other = make(priority=1), make()
    with Fork(run_connected, delete_and_pause, popup.pk) as fork:
        fork.wait_until_paused().resume().wait_until_paused()
        if connection.vendor != "sqlite":  # which answers no write while another one is open
            assert enter(alice).json["popup"] is None
        assert backlog() == 0
        if outcome == "committed":
            assert fork.resume().result()
    if outcome == "killed":
        forget_totals(popup.pk)  # as once the time of the hold is past, and its writer is gone
        assert enter(alice).json["popup"]["id"] == popup.pk
    else:
        assert not Popup.objects.filter(pk=popup.pk).exists()
        assert enter(alice).json["popup"]["id"] == other.pk


def test_configs_in_memory_do_not_bring_a_deleted_popup_back(enter, alice, bob, make, monkeypatch):
    popup, other = make(priority=1), make()
    enter(bob, placement="elsewhere")  # reads the configs
    monkeypatch.setattr("popups.config.version.bump", lambda: None)  # another process hears of it later
    popup.delete()
    assert enter(alice).json["popup"]["id"] == other.pk
    assert enter(alice).json["popup"] is None


def test_claims_and_deletions_at_once(new_user, make, drain):
    """Each round, devices ask for a popup while another process deletes it: either it is gone and nobody was shown it,
    or it is there, and all who were shown it are in the table."""
    people = [new_user(f"guest_{number}").pk for number in range(USERS)]
    popups = [make(placement=f"p{number}").pk for number in range(ROUNDS)]
    deleted, *claimed = run_in_processes(
        (delete_each, popups, 3), (enter_each, people[:3], ROUNDS, 3), (enter_each, people[3:], ROUNDS, 3)
    )
    shown = sorted(pair for each in claimed for pair in each)
    drain()
    assert sorted(Event.objects.values_list("user_id", "popup_id")) == shown
    assert set(Popup.objects.values_list("pk", flat=True)) == set(popups) - set(deleted)
    assert {popup_id for _, popup_id in shown} == set(popups) - set(deleted)
    assert not Unrecorded.objects.exists()
    assert redis_client().xlen(stream_key()) == 0


def test_the_database_refuses_too(enter, drain, alice, popup):
    enter(alice)
    drain()
    with pytest.raises(IntegrityError), transaction.atomic():  # SQLite looks at its end
        Popup.objects.filter(pk=popup.pk)._raw_delete("default")
