"""Keys that may be spelt in several ways: texts, decimals, dates, times, and edges between them."""

from django.db import connection, models
from django.db.models import Q

from caching.api import Cached, CachedModel, EdgeModel, EdgeValue, IdList, IdSet

from .identifiers import Upload

# Compares texts byte by byte, as other databases do anyway.
BINARY = "utf8mb4_bin" if connection.vendor == "mysql" else None


class Sku(CachedModel):
    """A key of text, compared as the database compares texts by default."""

    cached = Cached(lookups=("name",))

    code = models.CharField(primary_key=True, max_length=80)
    name = models.CharField(max_length=80, unique=True)


class Handle(CachedModel):
    """A key of text, compared byte by byte."""

    text = models.CharField(primary_key=True, max_length=80, db_collation=BINARY)
    hits = models.IntegerField(default=0)


class Price(CachedModel):
    """A key, and a unique column, of decimals."""

    cached = Cached(lookups=("net",))

    gross = models.DecimalField(primary_key=True, max_digits=10, decimal_places=2)
    net = models.DecimalField(max_digits=10, decimal_places=3, unique=True)


class Slot(CachedModel):
    """A key of times, and a unique date."""

    cached = Cached(lookups=("day", "address"))

    begins = models.DateTimeField(primary_key=True)
    day = models.DateField(unique=True)
    address = models.GenericIPAddressField(unique=True)
    title = models.CharField(max_length=40, blank=True)


class Grade(CachedModel):
    """A small integer is the key, within narrow bounds on most databases."""

    number = models.PositiveSmallIntegerField(primary_key=True)
    title = models.CharField(max_length=40, blank=True)


class Glance(EdgeModel):
    """Edges between keys of several kinds."""

    handle = models.ForeignKey(Handle, models.CASCADE, related_name="+")
    upload = models.ForeignKey(Upload, models.CASCADE, related_name="+")
    grade = models.ForeignKey(Grade, models.CASCADE, related_name="+")
    price = models.ForeignKey(Price, models.CASCADE, related_name="+")
    seconds = models.IntegerField(null=True)
    weight = models.IntegerField(default=0)

    class Meta(EdgeModel.Meta):
        unique_together = (("handle", "upload"), ("price", "grade"), ("upload", "grade"), ("price", "upload"))


glance_seconds = EdgeValue(Glance, owner="handle", member="upload", value="seconds")
glance_seconds_by_price = EdgeValue(Glance, owner="price", member="upload", value="seconds")
glance_weights = EdgeValue(Glance, owner="handle", member="upload", value="weight")
grades_of_upload = IdSet(Glance, owner="upload", member="grade")
grades_of_price = IdSet(Glance, owner="price", member="grade")
glances_of_handle = IdList(Glance, owner="handle", newest=3)
more_glances_of_handle = IdList(Glance, owner="handle", newest=6)
long_glances_of_handle = IdList(Glance, owner="handle", newest=3, where=Q(seconds__gte=10))
