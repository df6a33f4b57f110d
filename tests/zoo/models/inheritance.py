"""Families of models: multi-table inheritance in every shape, and proxies, of rows and of edges."""

from django.db import models

from caching.api import Cached, CachedModel, EdgeModel, IdList, IdSet


class Place(CachedModel):
    cached = Cached(lookups=("sign",))

    sign = models.CharField(max_length=30, unique=True)
    street = models.IntegerField(null=True)
    house = models.IntegerField(default=1)


class Insured(CachedModel):
    """A second parent, with a key of its own."""

    policy = models.AutoField(primary_key=True)
    company = models.IntegerField(null=True, default=1)


class Cafe(Place):
    seats = models.IntegerField(default=1)


class Workshop(Place):
    """A sibling of Cafe: a place may be both."""

    cached = Cached(lookups=("sign", "licence"))

    licence = models.CharField(max_length=30, unique=True, null=True)  # noqa: DJ001
    benches = models.IntegerField(default=1)


class Bakery(Workshop):
    """A grandchild."""

    ovens = models.IntegerField(default=1)


class Hotel(Place, Insured):
    rooms = models.IntegerField(default=1)


class Kiosk(Place):
    """Linked to its parent by a column that is not its key."""

    number = models.AutoField(primary_key=True)
    place = models.OneToOneField(Place, models.CASCADE, parent_link=True, related_name="+")
    papers = models.IntegerField(default=1)


class NightKiosk(Kiosk):
    opens = models.IntegerField(default=22)


class QuietPlace(Place):
    class Meta:
        proxy = True


class QuietKiosk(NightKiosk):
    class Meta:
        proxy = True


class Mark(EdgeModel):
    reader = models.IntegerField()
    book = models.IntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["reader", "book"], name="one_mark")]


class BoldMark(Mark):
    class Meta:
        proxy = True


class LongMark(Mark):
    length = models.IntegerField(default=1)


places_in = IdList(Place, owner="street", newest=9)
bakeries_in = IdList(Bakery, owner="street", newest=9)
kiosks_in = IdList(Kiosk, owner="street", newest=9)
hotels_of = IdList(Hotel, owner="company", newest=9)
marks = IdSet(Mark, owner="reader", member="book")
