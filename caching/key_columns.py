"""Values that stand in keys: primary keys, owners, members, unique columns. Each has one form for all its spellings."""

import contextlib
import datetime
import decimal
import uuid
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import connections
from django.utils import timezone
from django.utils.functional import Promise

from .columns import compares_as_django, converts, final_field
from .databases import quoted

NOBODY = "="
"""Stands for None in keys; `quoted` gives it for no text."""
_LONG = 10**30
_BINARY = ("binary", "c", "posix", "ucs_basic")


class KeyColumn:
    """A column whose values stand in keys, on one database."""

    is_integer = False
    is_exact = True
    """Whether the database tells all spellings apart that are different as text."""
    is_comparable = True
    """Whether all spellings that the database equates have one canonical form."""

    def __init__(self, field: Any, using: str) -> None:
        self.field, self.using = field, using

    def canonical(self, value: Any) -> Any:
        """Return the one form of a value in any spelling that Django takes; raises ValidationError."""
        if value is None:
            return None
        if hasattr(value, "resolve_expression"):
            raise ValidationError(f"{self.field}: the cache cannot know the value of an expression: {value!r}.")
        try:
            return self.plain(self.field.to_python(value))
        except (OverflowError, ValueError, TypeError, decimal.InvalidOperation) as error:
            raise ValidationError(f"{self.field}: {value!r} is no value of this column.") from error

    def plain(self, value: Any) -> Any:
        """Return a value that the field has converted in the form that the database gives it back."""
        return value

    def written(self, value: Any) -> set[Any]:
        """Return the forms that a value may take once it is written; raises ValidationError."""
        return {self.canonical(value)}

    def text(self, value: Any) -> str:
        """Return a text for a canonical value, another one for each."""
        return NOBODY if value is None else str(value)

    def part(self, value: Any) -> str:
        """Return the part of a key that stands for a canonical value."""
        return NOBODY if value is None else quoted(self.text(value))

    def may_exist(self, value: Any) -> bool:
        """Return whether a canonical value can be in the column, so that the database may be asked for it."""
        return value is not None


class Integers(KeyColumn):
    """Whole numbers. What is beyond the column is in no row."""

    is_integer = True

    def __init__(self, field: Any, using: str) -> None:
        super().__init__(field, using)
        self.least, self.greatest = connections[using].ops.integer_field_range(field.get_internal_type())
        if not compares_as_django(field) and connections[using].vendor != "sqlite":  # an unsigned column, maybe
            self.least, self.greatest = -(1 << 63), (1 << 64) - 1

    def canonical(self, value: Any) -> Any:
        return value if type(value) is int else super().canonical(value)

    def plain(self, value: Any) -> int:
        return int(value)

    def part(self, value: int | None) -> str:
        return str(value) if value is not None and -_LONG < value < _LONG else super().part(value)

    def text(self, value: int) -> str:
        return str(value) if -_LONG < value < _LONG else f"{value:x}"  # longer ones may have no decimal text

    def may_exist(self, value: int | None) -> bool:
        return value is not None and self.least <= value <= self.greatest


class Booleans(KeyColumn):
    """True and false."""

    def text(self, value: bool) -> str:
        return str(int(value))


class Texts(KeyColumn):
    """Texts, which the database may compare in its own way."""

    def __init__(self, field: Any, using: str) -> None:
        super().__init__(field, using)
        self._vendor = connections[using].vendor
        collation = (getattr(field, "db_collation", None) or "").lower() if compares_as_django(field) else "unknown"
        is_binary = collation.endswith("_bin") or collation in _BINARY
        # MySQL's and MariaDB's binary collations ignore spaces at the end, but for these.
        self._is_padded = self._vendor == "mysql" and is_binary and not collation.endswith(("0900_bin", "nopad_bin"))
        self.is_comparable = is_binary or (self._vendor != "mysql" and not collation)
        self.is_exact = self.is_comparable and not self._is_padded

    def canonical(self, value: Any) -> Any:
        return super().canonical(str(value) if isinstance(value, Promise) else value)

    def plain(self, value: str) -> str:
        text = str.__str__(value)  # of a member of an enum, its value
        return text.rstrip(" ") if self._is_padded else text

    def may_exist(self, value: str | None) -> bool:
        if value is None or (self._vendor == "postgresql" and "\0" in value):
            return False
        return value == value.encode(errors="ignore").decode()  # no half of a surrogate pair


class Uuids(KeyColumn):
    """UUIDs, as objects."""

    def plain(self, value: uuid.UUID) -> uuid.UUID:
        return value if type(value) is uuid.UUID else uuid.UUID(int=value.int)


class Dates(KeyColumn):
    """Days."""

    def plain(self, value: datetime.date) -> datetime.date:
        return datetime.date(value.year, value.month, value.day)


class DateTimes(KeyColumn):
    """Points in time in UTC; without time zones where USE_TZ is off."""

    def plain(self, value: datetime.datetime) -> datetime.datetime:
        if not settings.USE_TZ:
            naive = value if timezone.is_naive(value) else timezone.make_naive(value, timezone.get_default_timezone())
            return naive.replace(fold=0)
        aware = timezone.make_aware(value, timezone.get_default_timezone()) if timezone.is_naive(value) else value
        return aware.astimezone(datetime.UTC)

    def text(self, value: datetime.datetime) -> str:
        return value.replace(tzinfo=None).isoformat().replace(":", "")


class Decimals(KeyColumn):
    """Decimals with the places of the column. A reader's that has more raises ValidationError."""

    def plain(self, value: decimal.Decimal) -> decimal.Decimal:
        rounded = self._rounded(value, decimal.ROUND_HALF_EVEN)
        if rounded != value:
            raise ValidationError(f"{self.field}: {value} has more decimal places than the column.")
        return rounded

    def written(self, value: Any) -> set[Any]:
        try:
            return super().written(value)
        except ValidationError:
            # Django rounds to even, PostgreSQL away from zero.
            hows = (decimal.ROUND_HALF_EVEN, decimal.ROUND_HALF_UP)
            with contextlib.suppress(decimal.InvalidOperation):
                return {self._rounded(self.field.to_python(value), how) for how in hows}
            raise

    def text(self, value: decimal.Decimal) -> str:
        return format(value, "f")

    def _rounded(self, value: decimal.Decimal, how: str) -> decimal.Decimal:
        places = decimal.Decimal(1).scaleb(-self.field.decimal_places)
        exact = decimal.Context(prec=self.field.max_digits + 1, rounding=how)
        rounded = value.quantize(places, context=exact)
        return rounded if rounded else abs(rounded)  # no negative zero


_KINDS: dict[str, type[KeyColumn]] = {
    **dict.fromkeys(
        ("AutoField", "BigAutoField", "SmallAutoField", "IntegerField", "BigIntegerField", "SmallIntegerField",
         "PositiveIntegerField", "PositiveBigIntegerField", "PositiveSmallIntegerField"), Integers
    ),
    **dict.fromkeys(("CharField", "TextField", "SlugField", "FilePathField"), Texts),
    "GenericIPAddressField": KeyColumn,
    "BooleanField": Booleans,
    "UUIDField": Uuids,
    "DateField": Dates,
    "DateTimeField": DateTimes,
    "DecimalField": Decimals,
}  # fmt: skip


def fault_of_key(field: Any) -> str | None:
    """Return why values of a field cannot stand in keys; None if they can."""
    final = final_field(field)
    if final.get_internal_type() not in _KINDS:
        return f"values of a {type(final).__name__} have no one form by which an entry could be found"
    if converts(field):
        return f"{type(field).__name__} has conversions of its own, so a value may have several forms"
    return None


def key_column(field: Any, using: str) -> KeyColumn:
    """Return the column that a field's values come from in the end; raises ImproperlyConfigured."""
    if fault := fault_of_key(field):
        raise ImproperlyConfigured(f"{field} cannot be looked up by in the cache: {fault}.")
    final = final_field(field)
    return _KINDS[final.get_internal_type()](final, using)
