"""Whatever Django's Collector deletes or updates is heard, in whichever way it writes it."""

import pytest
from django.contrib.admin import ModelAdmin, site
from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.deletion import Collector

from caching.testutils import redis_usage
from tests.support.threads import Task, in_another_thread
from tests.zoo.models import Berth, Crew, Fleet, Fondness, Harbour, Sailor, ShipLog, ShorePass
from tests.zoo.models.deletion import fallback_crew, loves, passes_of, people_of, remarks_on, seats, teams_of
from tests.zoo.truth import Truth


@pytest.fixture
def truth():
    """Two teams with a person for each kind of foreign key, and all that belongs to them."""
    fallback_crew()
    for name in ("red", "blue"):
        team = Crew.objects.create(name=name)
        fleet = Fleet.objects.create(name=name)
        harbour = Harbour.objects.create(fleet=fleet, team=team)
        for column in (*people_of, "harbour"):
            owner = {"harbour": harbour} if column == "harbour" else {column: team}
            person = Sailor.objects.create(**{"badge": f"{name} {column}", "to_default": None} | owner)
            Berth.objects.create(team=team, person=person, sponsor=fleet)
            Fondness.objects.create(person=person, team=team)
        ShipLog.objects.create(about=team)
        ShorePass.objects.create(team=team)
    return Truth(
        Fleet, Sailor, ShipLog, Fondness, ShorePass,
        lists=[*people_of.values(), remarks_on, passes_of], sets=[seats, teams_of], values=[loves],
    )  # fmt: skip


def red():
    return Crew.objects.get(name="red")


DELETIONS = {
    "a row": lambda: red().delete(),
    "a row in a transaction": lambda: _in_transaction(lambda: red().delete()),
    "a queryset": lambda: Crew.objects.filter(name="red").delete(),
    "everything": lambda: Crew.objects.exclude(name="fallback").delete(),
    "by the base manager": lambda: Crew._base_manager.filter(name="red").delete(),
    "a level above": lambda: Fleet.objects.get(name="red").delete(),
    "levels above": lambda: Fleet.objects.all().delete(),
    "by a join": lambda: Crew.objects.filter(harbour__fleet__name="red").delete(),
    "people": lambda: Sailor.objects.filter(badge__startswith="red").delete(),
    "a person": lambda: Sailor.objects.get(badge="red harbour").delete(),
    "m2m remove": lambda: red().people.remove(Sailor.objects.get(badge="red harbour")),
    "m2m clear": lambda: red().people.clear(),
    "m2m set": lambda: red().people.set(Sailor.objects.filter(badge__startswith="blue")),
    "m2m add": lambda: red().people.add(*Sailor.objects.filter(badge__startswith="blue")),
    "reverse m2m clear": lambda: Sailor.objects.get(badge="red harbour").teams.clear(),
    "a generic relation": lambda: red().remarks.all().delete(),
    "generic clear": lambda: red().remarks.clear(),
    "the admin's bulk deletion": lambda: ModelAdmin(Crew, site).delete_queryset(
        None, Crew.objects.exclude(name="fallback")
    ),
    "a Collector of one's own": lambda: _collect(Crew.objects.filter(name="red")),
}


def _in_transaction(write):
    with transaction.atomic():
        write()


def _fail():
    raise RuntimeError


def _collect(rows):
    collector = Collector(using="default")
    collector.collect(rows)
    collector.delete()


@pytest.mark.parametrize("deletion", DELETIONS)
def test_entries_follow_a_deletion(truth, deletion):
    DELETIONS[deletion]()
    assert truth.holds()


def test_a_deletion_that_the_database_refuses_leaves_no_hold(truth):
    with pytest.raises(RuntimeError):
        _in_transaction(lambda: [red().delete(), _fail()])
    assert truth.holds()


def test_a_deletion_holds_everything_in_one_round_trip(truth):
    """One before the first statement, one for the lists that rows have moved to, one after the commit."""
    team = red()
    with redis_usage() as usage:
        team.delete()
    assert usage.round_trips == 3
    assert truth.holds()


@pytest.mark.skipif(connection.vendor == "sqlite", reason="one writer at a time")
@pytest.mark.parametrize("moved", ["seat", "person", "fan"])
def test_a_row_that_is_moved_between_collection_and_deletion(truth, moved, monkeypatch):
    """The writer that moves it commits after Django has read the row, and before it deletes it."""
    blue, person = Crew.objects.get(name="blue"), Sailor.objects.get(badge="red to_value")

    def move():
        if moved == "seat":
            seat = Berth.objects.get(person=person)
            seat.team = blue
            seat.save()
        elif moved == "person":
            Sailor.objects.filter(pk=person.pk).update(to_null=blue)
        else:
            Fondness.objects.filter(person=person).update(team=blue)
        truth.holds()

    collect = Collector.collect

    def and_then(self, objs, *args, source=None, **options):
        collect(self, objs, *args, source=source, **options)
        if source is None and not options.get("reverse_dependency"):
            in_another_thread(move)

    monkeypatch.setattr(Collector, "collect", and_then)
    red().delete() if moved != "seat" else Harbour.objects.filter(team__name="red").delete()
    monkeypatch.undo()
    assert truth.holds()


@pytest.mark.skipif(connection.vendor == "sqlite", reason="one writer at a time")
def test_two_who_delete_one_edge_do_not_wait_for_each_other(truth):
    """Who finds an edge by its ends waits for its row without a lock of the index that the other needs to delete it."""
    edge = Berth.objects.filter(person__badge="red harbour").get()
    ends = {"team_id": edge.team_id, "person_id": edge.person_id}
    with transaction.atomic():
        assert list(QuerySet(Berth).filter(pk=edge.pk).select_for_update())
        other = Task(lambda: Berth.objects.filter(**ends).delete()[0])
        other.join(0.5)
        assert other.is_alive()  # it waits for the row
        QuerySet(Berth).filter(pk=edge.pk)._raw_delete("default")
        seats.hold("default", [seats.here().identity(edge.team_id)])
        teams_of.hold("default", [teams_of.here().identity(edge.person_id)])
    assert other.result() == 0
    assert truth.holds()
