"""The export of an account: all rows that are a user's, as one JSON object, made page by page.

Each room registers its parts, and the foreign keys to a user that belong in none, with the reason. Nothing is held
between two pages: no transaction, no cursor, no thread. The object is closed at the very end, so that what is cut short
is no JSON.
"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from django.core.exceptions import ImproperlyConfigured
from django.db import close_old_connections, models, router
from django.db.models import Q, QuerySet
from django.utils import timezone

from api.json import encoded
from replicas.reads import may_read_replica
from users.models import User

PAGE = 1_000
EVERY_ROW = Q()
AS_STORED: Mapping[str, Callable[[Any], Any]] = MappingProxyType({})


class Part(NamedTuple):
    """A list in the export, or one object: the rows of a model whose column `owner` is the user.

    `by` is an attribute whose values differ among these rows; an index has it behind the owner and the columns that
    `where` compares. `columns` are the names in the export with the attributes of a row; `shapes` change values, by
    name.
    """

    name: str
    model: type[models.Model]
    owner: str
    by: str
    columns: Mapping[str, str]
    where: Q = EVERY_ROW
    shapes: Mapping[str, Callable[[Any], Any]] = AS_STORED
    page: int = PAGE
    is_single: bool = False


class Interrupted(Exception):
    """The account was deleted or deactivated while it was exported."""


_parts: list[Part] = []
_excluded: dict[tuple[type[models.Model], str], str] = {}


def register(*parts: Part) -> None:
    """Add parts to the export, after those that are registered; raise ImproperlyConfigured for a name that is taken.

    Call this in AppConfig.ready().
    """
    names = [part.name for part in (*_parts, *parts)]
    if len(names) > len(set(names)):
        raise ImproperlyConfigured(f"A part of the export is registered twice: {', '.join(names)}.")
    _parts.extend(parts)


def exclude(model: type[models.Model], field: str, reason: str) -> None:
    """Say why the rows that refer to a user by a foreign key are in no part. Call this in AppConfig.ready()."""
    _excluded[model, field] = reason


def covered() -> set[tuple[type[models.Model], str]]:
    """Return the foreign keys to users, as (model, field), that are in a part or excluded."""
    return {(part.model, part.owner) for part in _parts} | _excluded.keys()


def export(user_id: int) -> Iterator[bytes]:
    """Yield the export of an active user, a page of rows at a time; raise Interrupted if the account ends meanwhile.

    Each piece may be made by another thread than the one before.
    """
    yield b'{"exported_at":' + encoded(timezone.now())
    for part in _parts:
        yield b"," + encoded(part.name) + b":"
        yield from _single(part, user_id) if part.is_single else _list(part, user_id)
    _require_active(user_id)
    yield b"}"


def _single(part: Part, user_id: int) -> Iterator[bytes]:
    yield encoded(next((row for page in _pages(part, user_id) for row in page), None))


def _list(part: Part, user_id: int) -> Iterator[bytes]:
    separator = b"["
    for page in _pages(part, user_id):
        yield separator + encoded(page)[1:-1]
        separator = b","
    yield b"[]" if separator == b"[" else b"]"


def _pages(part: Part, user_id: int) -> Iterator[list[dict[str, Any]]]:
    beyond, is_full = EVERY_ROW, True
    while is_full:
        close_old_connections()  # as before each request: this thread may have had its connection for long
        found = _rows(part, user_id, beyond)
        if found:
            yield [_document(part, values) for _, *values in found]
            beyond = Q(**{f"{part.by}__gt": found[-1][0]})
        is_full = len(found) == part.page


@may_read_replica
def _rows(part: Part, user_id: int, beyond: Q) -> list[tuple[Any, ...]]:
    rows: Any = QuerySet(part.model, using=router.db_for_read(part.model))
    rows = rows.filter(part.where, beyond, **{part.owner: user_id}).order_by(part.by)
    return list(rows.values_list(part.by, *part.columns.values())[: part.page])


def _document(part: Part, values: list[Any]) -> dict[str, Any]:
    document = dict(zip(part.columns, values, strict=True))
    for name, shape in part.shapes.items():
        document[name] = shape(document[name])
    return document


def _require_active(user_id: int) -> None:
    close_old_connections()
    if not User.objects.filter(pk=user_id, is_active=True).exists():
        raise Interrupted(f"The account {user_id} has ended while it was exported.")
