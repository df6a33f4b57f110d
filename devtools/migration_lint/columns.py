"""What a column that is added or altered does to code that does not know of it: the last release's."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Field, ManyToManyField
from django.db.models.fields import NOT_PROVIDED

# By type of column, those that take all its values: no smaller range, and no other kind of value for who reads.
_SIGNED = ["SmallIntegerField", "IntegerField", "BigIntegerField"]
_UNSIGNED = ["PositiveSmallIntegerField", "PositiveIntegerField", "PositiveBigIntegerField"]
_AUTO = ["SmallAutoField", "AutoField", "BigAutoField"]
_TEXT = ["SlugField", "CharField", "TextField"]
WIDER = {
    **{names[at]: {*names[at:]} for names in (_SIGNED, _UNSIGNED, _AUTO, _TEXT) for at in range(len(names))},
    "PositiveSmallIntegerField": {*_UNSIGNED, "IntegerField", "BigIntegerField"},
    "PositiveIntegerField": {*_UNSIGNED[1:], "BigIntegerField"},
    "CharField": {"SlugField", "CharField", "TextField"},
    "FilePathField": {"FilePathField", "CharField", "TextField"},
    "FileField": {"FileField", "CharField", "TextField"},
    "OneToOneField": {"OneToOneField", "ForeignKey"},
    "ForeignKey": {"ForeignKey", "OneToOneField"},
}
# Arguments of a field that are no matter of its column, or that are looked at one by one below.
HARMLESS = {
    "auto_created", "auto_now", "auto_now_add", "blank", "choices", "db_comment", "db_index", "default", "editable",
    "error_messages", "help_text", "limit_choices_to", "on_delete", "related_name", "related_query_name", "serialize",
    "upload_to", "validators", "verbose_name",
}  # fmt: skip
COMPARED = {
    "db_column", "db_constraint", "db_default", "decimal_places", "max_digits", "max_length", "null", "to", "unique",
}  # fmt: skip


def has_default(field: Field) -> bool:
    """Return whether the database gives the column a value that a writer leaves out."""
    return field.db_default is not NOT_PROVIDED or field.null or field.generated or field.many_to_many is True


def is_filled(field: Field) -> bool:
    """Return whether the database gives the column a value other than NULL where a writer leaves it out."""
    return field.db_default is not NOT_PROVIDED and field.db_default is not None


def added(field: Field) -> Iterator[str]:
    """Yield why code that does not name this new column cannot write rows."""
    if isinstance(field, ManyToManyField):
        return
    if field.primary_key:
        yield "it becomes the primary key"
    elif not has_default(field):
        yield (
            "it is NOT NULL, and without a default in the database: rows that the last release inserts leave it out; "
            "add db_default, or null=True"
        )
    elif field.unique and is_filled(field):
        yield "it is unique, and all rows that the last release inserts have its default: make it null=True"


def altered(old: Field, new: Field) -> Iterator[str]:
    """Yield why code that knows the column as `old` cannot read or write it as `new`."""
    if isinstance(old, ManyToManyField) and isinstance(new, ManyToManyField):
        return
    if _column(old) != _column(new):
        yield f"its column is renamed from {_column(old)} to {_column(new)}"
    if (kind := new.get_internal_type()) not in WIDER.get(old.get_internal_type(), {old.get_internal_type()}):
        yield f"its type changes from {old.get_internal_type()} to {kind}"
    else:
        yield from _narrower(old, new)
    yield from _stricter(old, new)
    yield from _unknown_changes(old, new)


def _narrower(old: Any, new: Any) -> Iterator[str]:
    length = getattr(new, "max_length", None)
    if length is not None and length < (getattr(old, "max_length", None) or length + 1) and _is_text(new):
        yield f"it takes {length} characters only"
    digits = [(each.max_digits, each.decimal_places) for each in (old, new) if hasattr(each, "max_digits")]
    if len(digits) == 2:
        (old_digits, old_places), (digits_now, places) = digits
        if places < old_places or digits_now - places < old_digits - old_places:
            yield f"it takes {digits_now} digits only, {places} of them decimal places"


def _is_text(field: Field) -> bool:
    return field.get_internal_type() in {*_TEXT, "FileField", "FilePathField", "BinaryField"}


def _stricter(old: Any, new: Any) -> Iterator[str]:
    if old.null and not new.null:
        yield "it becomes NOT NULL, and the last release writes NULL"
    if old.db_default is not NOT_PROVIDED and new.db_default is NOT_PROVIDED and not new.null:
        yield "it loses its default in the database, which the last release inserts"
    if old.unique != new.unique:
        change = "becomes unique" if new.unique else "is not unique any more, and the last release may rely on that"
        yield f"it {change}"
    if getattr(new, "db_constraint", False) and not getattr(old, "db_constraint", False):
        yield "it gets a foreign key constraint"
    if old.remote_field and new.remote_field and _target(old) != _target(new):
        yield "it refers to another table"


def _unknown_changes(old: Field, new: Field) -> Iterator[str]:
    before, after = old.deconstruct()[3], new.deconstruct()[3]
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    for name in sorted(changed - HARMLESS - COMPARED):
        yield f"its {name} changes"


def _column(field: Field) -> str:
    return field.db_column or field.get_attname()


def _target(field: Any) -> str:
    to = field.deconstruct()[3].get("to", "")
    return str(to).lower()
