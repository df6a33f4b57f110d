"""Every kind of column that Django has on all databases."""

import datetime
import decimal
import uuid

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models.functions import Lower, Now

from caching.api import Cached, CachedModel


class Columns(CachedModel):
    """A column of each kind, required."""

    cached = Cached(lookups=("serial", "email"))

    serial = models.UUIDField(unique=True, default=uuid.uuid4)
    email = models.EmailField(unique=True)
    flag = models.BooleanField(default=False)
    small = models.SmallIntegerField(default=0)
    big = models.BigIntegerField(default=0)
    natural = models.PositiveIntegerField(default=0, validators=[MaxValueValidator(100)])
    ratio = models.FloatField(default=0.0)
    price = models.DecimalField(max_digits=12, decimal_places=4, default=decimal.Decimal("0"))
    day = models.DateField(default=datetime.date(2000, 1, 1))
    moment = models.DateTimeField(default=datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC))
    time = models.TimeField(default=datetime.time(0))
    duration = models.DurationField(default=datetime.timedelta(0))
    address = models.GenericIPAddressField(default="::1")
    blob = models.BinaryField(default=b"")
    document = models.JSONField(default=dict)
    url = models.URLField(blank=True)
    numbers = models.CharField(max_length=60, blank=True)
    text = models.TextField(blank=True)
    file = models.FileField(upload_to="files", blank=True)


class NullableColumns(CachedModel):
    """A column of each kind, which may be null; null is unique as often as one likes."""

    cached = Cached(lookups=("code", "serial"))

    code = models.CharField(max_length=20, null=True, blank=True, unique=True)
    serial = models.BigIntegerField(null=True, blank=True, unique=True)
    flag = models.BooleanField(null=True)
    ratio = models.FloatField(null=True)
    price = models.DecimalField(max_digits=19, decimal_places=2, null=True)
    day = models.DateField(null=True)
    moment = models.DateTimeField(null=True)
    time = models.TimeField(null=True)
    duration = models.DurationField(null=True)
    address = models.GenericIPAddressField(null=True, unpack_ipv4=True)
    blob = models.BinaryField(null=True)
    document = models.JSONField(null=True)
    uuid = models.UUIDField(null=True)


class Ticket(CachedModel):
    """Enumerations as Django declares them."""

    class State(models.TextChoices):
        """Text."""

        OPEN = "open", "Open"
        SHUT = "shut", "Shut"

    class Urgency(models.IntegerChoices):
        """Numbers."""

        LOW = 1
        HIGH = 9

    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    urgency = models.SmallIntegerField(choices=Urgency, default=Urgency.LOW)
    grade = models.CharField(max_length=1, choices=[("a", "A"), ("b", "B"), ("", "none")], blank=True, default="")


class Computed(CachedModel):
    """Columns that the database fills: generated ones, and defaults of the database."""

    cached = Cached(lookups=("handle",))

    handle = models.CharField(max_length=30, unique=True)
    handle_lower = models.GeneratedField(
        expression=Lower("handle"), output_field=models.CharField(max_length=30), db_persist=True
    )
    width = models.IntegerField(db_default=3)
    height = models.IntegerField(default=1)
    area = models.GeneratedField(
        expression=models.F("width") * models.F("height"), output_field=models.BigIntegerField(), db_persist=True
    )
    made_at = models.DateTimeField(db_default=Now())
