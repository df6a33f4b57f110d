"""A write by any member of a family is heard by all that have columns of its rows, each under its own key."""

import pytest
from django.db import IntegrityError
from django.db.models import F, QuerySet

from caching.testutils import redis_usage
from tests.zoo.models import (
    Bakery,
    BoldMark,
    Cafe,
    Hotel,
    Insured,
    Kiosk,
    LongMark,
    Mark,
    NightKiosk,
    Place,
    QuietKiosk,
    QuietPlace,
    Workshop,
)  # fmt: skip
from tests.zoo.models.inheritance import bakeries_in, hotels_of, kiosks_in, marks, places_in
from tests.zoo.truth import Truth

MEMBERS = [Place, Cafe, Workshop, Bakery, Hotel, Insured, Kiosk, NightKiosk]


@pytest.fixture
def truth():
    """One place is a café, a bakery and a kiosk; no two members of the family have a key in common by accident."""
    for n in range(3):
        Insured.objects.create(company=n)
    NightKiosk(sign="early", street=1).save()
    Place.objects.create(sign="plain", street=1)
    Hotel.objects.create(sign="hotel", street=1, house=2, company=2)
    both = Bakery.objects.create(sign="both", street=1, house=3, benches=1, licence="b")
    Cafe.objects.create(sign="alone", street=1, house=4)
    Bakery.objects.create(sign="bread", street=1, house=5)
    _also(Cafe, both)
    _also(NightKiosk, both)
    for reader, book in ((1, 1), (1, 2), (2, 1)):
        Mark.objects.create(reader=reader, book=book)
    LongMark.objects.create(reader=1, book=7)
    return Truth(*MEMBERS, lists=[places_in, bakeries_in, kiosks_in, hotels_of], sets=[marks])


def _also(model, place):
    """Have an existing place be a row of another child as well."""
    child = model(sign=place.sign, street=place.street, house=place.house)
    links = {each.name for each in model._meta.get_fields() if getattr(each.remote_field, "parent_link", False)}
    for link in links & {"place", "place_ptr"}:
        setattr(child, link, Place.objects.get(pk=place.pk))
    child.save()


def _saved(row, **changes):
    for name, value in changes.items():
        setattr(row, name, value)
    row.save(update_fields=list(changes))


def _whole(row, **changes):
    for name, value in changes.items():
        setattr(row, name, value)
    row.save()


def _refused(write):
    with pytest.raises(IntegrityError):
        write()


def one(model, **which):
    return model.objects.get(**which or {"sign": "both"})


WRITES = {
    "save of the parent": lambda: _whole(one(Place), sign="new", street=2, house=9),
    "save of a child": lambda: _whole(one(Cafe), sign="new", street=2, seats=5),
    "save of a parent's columns by a child": lambda: _saved(one(Cafe), sign="new", street=2),
    "save of a sibling": lambda: _whole(one(Workshop), sign="new", street=2, benches=2),
    "save of a grandchild": lambda: _whole(one(Bakery), sign="new", street=2, house=8, ovens=2),
    "save of a child with a key of its own": lambda: _whole(one(NightKiosk), sign="new", street=2, papers=2),
    "save of the second parent": lambda: _whole(Insured.objects.get(hotel__sign="hotel"), company=9),
    "save of the first of two parents": lambda: _whole(one(Place, sign="hotel"), street=9, house=9),
    "save of a child of two parents": lambda: _whole(one(Hotel, sign="hotel"), company=9, street=9, rooms=9),
    "save by a proxy": lambda: _whole(one(QuietPlace), sign="new", street=2),
    "save by a proxy of a grandchild": lambda: _whole(one(QuietKiosk), sign="new", street=2),
    "update of parents": lambda: Place.objects.update(street=F("street") + 1),
    "update by a proxy": lambda: QuietPlace.objects.update(street=2),
    "update of parents by a child": lambda: Cafe.objects.filter(sign="both").update(street=2, sign="new"),
    "update of parents by a child with a key of its own": lambda: NightKiosk.objects.update(street=F("street") + 1),
    "update of a middle by a grandchild": lambda: Bakery.objects.update(benches=4),
    "update of a middle": lambda: Kiosk.objects.filter(sign="both").update(papers=4),
    "update of the second parent": lambda: Insured.objects.update(company=F("company") + 1),
    "update of both parents by their child": lambda: Hotel.objects.update(company=5, street=5),
    "update_one of a parent": lambda: Place.objects.update_one(one(Place).pk, street=2),
    "update_one of a child": lambda: NightKiosk.objects.update_one(one(NightKiosk).pk, street=2),
    "bulk_update of a child": lambda: Cafe.objects.bulk_update([Cafe(pk=one(Cafe).pk, street=3, seats=3)], ["street"]),
    "a new child": lambda: Hotel.objects.create(sign="new", street=1, house=8, company=1),
    "a new child of an old parent": lambda: _also(Cafe, one(Place, sign="plain")),
    "a new child that moves its parent": lambda: Kiosk(place=one(Place, sign="plain"), sign="x", street=2).save(),
    "a child by hand": lambda: Cafe(pk=one(Cafe).pk, sign="x", street=2).save(),
    "a child linked to another parent": lambda: _whole(
        one(Kiosk, sign="early"), place=one(Place, sign="plain"), sign="plain", id=one(Place, sign="plain").pk, street=7
    ),
    "delete of a child": lambda: one(Cafe, sign="alone").delete(),
    "delete of a place's one child, which Django refuses": lambda: _refused(lambda: one(Cafe).delete()),
    "delete of a child alone": lambda: one(NightKiosk).delete(keep_parents=True),
    "delete of a grandchild": lambda: one(Bakery, sign="bread").delete(),
    "delete of the parent": lambda: one(Place).delete(),
    "delete of the second parent": lambda: Insured.objects.get(hotel__sign="hotel").delete(),
    "delete of kiosks": lambda: Kiosk.objects.filter(sign="early").delete(),
    "delete by a proxy": lambda: QuietPlace.objects.filter(sign="both").delete(),
    "an edge's save by a proxy": lambda: BoldMark(reader=2, book=2).save(),
    "an edge's deletion by a proxy": lambda: BoldMark.objects.filter(book=1).delete(),
    "an edge moved by a proxy": lambda: _whole(one(BoldMark, reader=1, book=1), reader=3),
    "an edge's creation by a proxy": lambda: BoldMark.objects.bulk_create([BoldMark(reader=2, book=5)]),
    "an edge's creation by a child": lambda: LongMark.objects.create(reader=2, book=3),
    "an edge moved by a child": lambda: _whole(LongMark.objects.get(), reader=2, book=9),
    "a child's edge moved by the parent": lambda: _whole(one(Mark, book=7), book=8),
    "a child's edge deleted": lambda: LongMark.objects.all().delete(),
    "an old edge becomes a child": lambda: LongMark(mark_ptr=one(Mark, reader=1, book=1), reader=1, book=4).save(),
}  # fmt: skip


@pytest.mark.parametrize("write", WRITES)
def test_entries_follow_a_write_of_a_relative(truth, write):
    WRITES[write]()
    assert truth.holds()


def test_a_write_is_two_round_trips_whatever_the_family(truth):
    pk = one(NightKiosk).pk
    with redis_usage() as usage:
        NightKiosk.objects.update_one(pk, house=4)
    assert usage.round_trips == 2
    assert truth.holds()


def test_a_lookup_of_each_relative(truth):
    for model in (Place, Cafe, Workshop, Bakery):
        _saved(QuerySet(Place).get(pk=one(Place, house=3).pk), sign=f"now {model.__name__}")
        assert model.objects.get_one(sign=f"now {model.__name__}").house == 3
