"""Values for the columns of any model, found by looking at its fields: a model's n-th row is made of the n-th values.

Values of unique columns differ for any two numbers. `BY_FIELD` names the few fields that need values of their own.
"""

import datetime
import decimal
import uuid
from collections.abc import Callable
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import connection, models

from tests.zoo.models import Colour

Make = Callable[[Any, int], Any]

EPOCH = datetime.datetime(2001, 2, 3, 4, 5, 6, 789012, tzinfo=datetime.UTC)
DOCUMENTS: list[Any] = [
    {"a": [1, 2.5, None, True, "ü"], "n": {}}, [], {}, "text", 0, 1.5, False, {"1": {"2": [{"3": ""}]}}, [[[]]], -1,
]  # fmt: skip
WORDS = (
    "plain", "Ünïcode", "日本語", "a:b:c", "quo'te\"`", "back\\slash", "%s {0}", "two  spaces", "🦒", "\tTab", "İ", "ß",
)  # fmt: skip


def integer(field: Any, n: int) -> int:
    """Return a whole number in the range of the column; edges of the range where nothing else is asked of it."""
    low, high = connection.ops.integer_field_range(field.get_internal_type())
    low, high = -(2**31) if low is None else low, 2**31 - 1 if high is None else high
    for validator in field.validators:
        high = min(high, getattr(validator, "limit_value", high)) if validator.code == "max_value" else high
    edges = [] if is_in_constraint(field) or field.remote_field else [low, high, 0, 1, high - 1]
    return edges[n % 7] if n % 7 < len(edges) else n % (high + 1)


def text(field: Any, n: int) -> str:
    """Return text that fits the column, and has the number in it."""
    number = str(n)
    most = 200 if field.max_length is None else min(field.max_length, 200)
    if most <= len(number) + 1:
        return base36(n)[-most:].rjust(most, "a")
    return f"{WORDS[n % len(WORDS)]} {number}"[-most:].lstrip()


def base36(n: int) -> str:
    """Return a number in letters and digits."""
    digits = "abcdefghijklmnopqrstuvwxyz0123456789"
    return (base36(n // 36) if n >= 36 else "") + digits[n % 36]


def decimal_number(field: Any, n: int) -> decimal.Decimal:
    """Return a number with all its places."""
    digits = str(n * 7919 + 1)[-field.max_digits :]
    return decimal.Decimal(digits).scaleb(-field.decimal_places) * (-1 if n % 3 == 1 else 1)


def moment(n: int) -> datetime.datetime:
    """Return a point in time, with and without parts of a second."""
    at = EPOCH + datetime.timedelta(days=n * 37 % 200_000, seconds=n)
    return at.replace(microsecond=0) if n % 4 == 2 else at


BY_KIND: dict[Any, Make] = {
    models.IntegerField: integer,
    models.CharField: text,
    models.TextField: text,
    models.SlugField: lambda field, n: f"slug-{n}",
    models.FileField: lambda field, n: f"folder/file {n}.txt",
    models.FilePathField: lambda field, n: f"/tmp/{n}",  # noqa: S108
    models.EmailField: lambda field, n: f"Name.{n}@Example.com",
    models.URLField: lambda field, n: f"https://example.com/{n}?a=b&c=%20",
    models.BooleanField: lambda field, n: n % 2 == 1,
    models.FloatField: lambda field, n: (n + 0.1, 1e300 / (n + 1), -1 / (n + 3), 0.0)[n % 4],
    models.DecimalField: decimal_number,
    models.DateTimeField: lambda field, n: moment(n),
    models.DateField: lambda field, n: moment(n).date(),
    models.TimeField: lambda field, n: moment(n).time(),
    models.DurationField: lambda field, n: datetime.timedelta(days=n - 2, microseconds=n * 1_000_003),
    models.UUIDField: lambda field, n: uuid.uuid5(uuid.NAMESPACE_OID, f"{field} {n}"),
    models.BinaryField: lambda field, n: bytes([n % 256, 0, 255, 10]) * (n % 3),
    models.JSONField: lambda field, n: DOCUMENTS[n % len(DOCUMENTS)],
    models.GenericIPAddressField: lambda field, n: (f"2001:db8::{n % 65536:x}", f"10.0.{n // 256 % 256}.{n % 256}")[
        n % 2
    ],
}

BY_FIELD: dict[str, Make] = {
    "zoo.Vault.colour": lambda field, n: list(Colour)[n % 2],
    "zoo.Vault.words": lambda field, n: ["a", str(n)],
    **dict.fromkeys(("zoo.Mark.book", "zoo.Payee.payee"), lambda field, n: n),
    # What a generic foreign key points to need not exist.
    "zoo.Attachment.key": lambda field, n: str(uuid.UUID(int=n)),
    "zoo.Remark.object_id": lambda field, n: n,
    # Counted up by receivers of signals, or multiplied by the database.
    **dict.fromkeys(
        (
            "zoo.Paper.revisions",
            "zoo.PaperRevision.number",
            "zoo.Order.lines_count",
            "zoo.Computed.width",
            "zoo.Computed.height",
            "zoo.OrderLine._order",
            "zoo.Magazine.revision",
        ),
        lambda field, n: n % 1000,
    ),
}


def value_of(field: Any, n: int) -> Any:
    """Return the n-th value for a column that is no foreign key."""
    if make := BY_FIELD.get(f"{field.model._meta.label}.{field.name}"):
        return make(field, n)
    if field.null and n % 5 == 4:
        return None
    if field.choices:
        return field.flatchoices[n % len(field.flatchoices)][0]
    kind = next(kind for kind in type(field).__mro__ if kind in BY_KIND)
    return BY_KIND[kind](field, n)


def writable_fields(model: Any) -> list[Any]:
    """Return the fields that a caller may set after the row was made: no keys, nothing that Django or SQL computes."""
    return [
        field
        for field in model._meta.concrete_fields
        if not (field.primary_key or field.generated or is_automatic(field) or _is_parent_link(field))
    ]


def is_in_constraint(field: Any) -> bool:
    """Return whether a unique constraint of any form names the column."""
    meta = field.model._meta
    pairs = {name for names in meta.unique_together for name in names}
    for constraint in meta.constraints:
        names = [*getattr(constraint, "fields", ()), *(each.name for each in getattr(constraint, "expressions", ()))]
        pairs |= {*names, *(["tenant", "is_primary"] if getattr(constraint, "condition", None) else ())}
    return field.unique or field.name in pairs


def is_automatic(field: Any) -> bool:
    """Return whether Django fills the column when it saves."""
    return getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)


def _is_parent_link(field: Any) -> bool:
    return bool(field.remote_field and getattr(field.remote_field, "parent_link", False))


class Maker:
    """Makes rows, and those that they need to point to."""

    def __init__(self, start: int = 0) -> None:
        """`start`: the number of the first row."""
        self.n = start

    def next(self) -> int:
        """Return a number that was not used."""
        self.n += 1
        return self.n

    def fields(self, model: Any) -> dict[str, Any]:
        """Return values for all columns that a new row may be given."""
        n, given = self.next(), {}
        for field in model._meta.concrete_fields:
            if _is_set_by_database(field):
                continue
            given[field.attname] = self.related(field, n) if field.remote_field else value_of(field, n)
        return given

    def changes(self, model: Any) -> dict[str, Any]:
        """Return new values for all columns that may be changed."""
        n = self.next()
        return {
            field.attname: self.related(field, n) if field.remote_field else value_of(field, n)
            for field in writable_fields(model)
        }

    def new(self, model: Any, using: str = "default") -> Any:
        """Return an instance that is not saved; what it points to is."""
        return model(**self.fields(model))

    def create(self, model: Any) -> Any:
        """Return a saved instance."""
        instance = self.new(model)
        instance.save(force_insert=True)
        return instance

    def related(self, field: Any, n: int) -> Any:
        """Return what a foreign key holds: null at times, an existing row, or a new row of another model."""
        target, column = field.remote_field.model, field.target_field.attname
        if target is ContentType:
            return ContentType.objects.get_for_model(field.model).pk
        if field.null and n % 3 == 2:
            return None
        is_own = target._meta.concrete_model is field.model._meta.concrete_model
        if not is_in_constraint(field) and (is_own or n % 3):
            rows = list(models.QuerySet(target, using="default").order_by("-pk").values_list(column, flat=True)[:5])
            if rows:
                return rows[n % len(rows)]
        return None if is_own and field.null else getattr(self.create(target), column)


def _is_set_by_database(field: Any) -> bool:
    automatic_key = field.primary_key and isinstance(field, models.AutoField)
    return automatic_key or field.generated or is_automatic(field) or _is_parent_link(field)
