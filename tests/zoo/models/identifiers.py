"""Primary keys that are not counted up by the database, and names that quote badly."""

import os
import time
import uuid

from django.db import models

from caching.api import Cached, CachedModel


def time_ordered_uuid() -> uuid.UUID:
    """Return a UUID of version 7: 48 bits of Unix time in ms, then random bits."""
    number = int.from_bytes((time.time_ns() // 1_000_000).to_bytes(6) + os.urandom(10))
    number = number & ~(0xF << 76) | 0x7 << 76
    return uuid.UUID(int=number & ~(0x3 << 62) | 0x2 << 62)


class Upload(CachedModel):
    """A key that the application draws, in the order of time; a file, and where it was found."""

    cached = Cached(lookups=("path",))

    id = models.UUIDField(primary_key=True, default=time_ordered_uuid, editable=False)
    path = models.FilePathField(path="/tmp", max_length=200, unique=True)  # noqa: S108
    file = models.FileField(upload_to="uploads/%Y", blank=True)
    sha256 = models.BinaryField(max_length=32, null=True)


class Topic(CachedModel):
    """A slug is the key."""

    slug = models.SlugField(primary_key=True, max_length=60)
    title = models.CharField(max_length=100, blank=True)
    related = models.ForeignKey("self", models.SET_NULL, null=True, blank=True)


class Country(CachedModel):
    """Two letters are the key, which others point to; also found by a number."""

    cached = Cached(lookups=("number",))

    code = models.CharField(primary_key=True, max_length=2)
    number = models.PositiveSmallIntegerField(unique=True)
    name = models.CharField(max_length=80)


class City(CachedModel):
    """Points to a key of text, and to a column that is unique without being the key."""

    country = models.ForeignKey(Country, models.CASCADE, related_name="cities")
    dialled = models.ForeignKey(
        Country, models.SET_NULL, to_field="number", null=True, blank=True, related_name="+", db_column="dialled_by"
    )
    name = models.CharField(max_length=80)


class OddNames(CachedModel):
    """Names of table and columns that are reserved, quoted, long, or not ASCII."""

    cached = Cached(lookups=("group",))

    key = models.AutoField(primary_key=True, db_column="Primary Key")
    group = models.IntegerField(unique=True, db_column="group")
    order = models.IntegerField(default=0)
    select = models.CharField(max_length=20, db_column="Gewählt (ja/nein)", blank=True)
    a_name_that_is_as_long_as_the_database_allows_a_column_to_be_ok = models.TextField(blank=True)

    class Meta(CachedModel.Meta):
        db_table = "zoo odd names.of:tables"
        verbose_name = "odd: name"
