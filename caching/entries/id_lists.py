"""The newest ids of an owner's rows, in order: what the first page of a list is made of, without SQL.

    newest_posts = IdList(Post, owner="author", newest=16, where=Q(is_hidden=False))

    batch = Batch()
    posts = batch.add(newest_posts.of(author_id))
    batch.run()
    posts.result            # [902, 871, …], at most 16

A list is an entry like that of a row: filled under a lease, held by the writer of a row that is, was or will be in it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain
from typing import Any

from django.db import models
from django.db.models import Q

from .. import registry
from ..cacheable import all_rows
from ..faults import Fault
from ..options import jittered_ms, require_positive
from ..protocol.codec import FINGERPRINT_BYTES, Stale, fingerprint
from ..recent import Recent
from .conditions import canonical
from .derived import Derived
from .lists_of_owners import Listed, ListsOfOwners
from .of_owners import rows_of_each
from .packed_ids import is_packed, pack, unpack
from .source import Result

LIST_LIFE_S = 24 * 3_600
PREFIX_BYTES = 1 + FINGERPRINT_BYTES
SHORT_BYTES = 256
_short: Recent[bytes, Listed] = Recent(8_192)
"""What short entries say: the prefix of an entry determines the rest. Feeds merge the same authors' lists."""


class ResultOfOwner(Result[Any]):
    """A question to the entry of one owner."""

    def __init__(self, source: Any, owner: Any, shape: Any) -> None:
        super().__init__(source, {source.key(owner): owner}, shape)
        if source.has_integers:
            self.prefix, self.ids = source.key_prefix(), (owner,)


class IdList(Derived):
    """A source: the newest ids of the rows of an owner. A value is the entry itself: `listed` decodes it."""

    kind = "list"
    ids_of_a_row = 1

    def __init__(
        self,
        model: type[models.Model],
        *,
        owner: str,
        newest: int,
        member: str | None = None,
        where: Q | None = None,
    ) -> None:
        """`owner` names a foreign key or plain column of a cached model or an edge; `where` admits rows to the list.

        With `member`, a list has the values of that column of integers, instead of the primary keys, of the newest
        rows. Raises ImproperlyConfigured for what is no column, and for less than one id.
        """
        require_positive(f"{type(self).__name__}(newest=…)", newest)
        super().__init__(model, by=(owner,), of=() if member is None else (member,), where=where)
        if self.where:  # another list of the same owner has another name
            self.name = f"{self.label}.{fingerprint([canonical(self.where)]).hex()}"
        self.newest = newest
        self._member = member

    def of(self, owner: Any) -> Result[list[int]]:
        """Ask for the newest ids of an owner, newest first; raises ValidationError for an owner of the wrong type."""
        source, newest = self.here(), self.newest
        identity = source.identity(owner)
        return ResultOfOwner(source, identity, lambda values: [*source.listed(values[0]).ids[:newest]])

    def of_each(self, owners: Iterable[Any]) -> ListsOfOwners:
        """Ask for the lists of several owners; raises ValidationError for an owner of the wrong type."""
        return ListsOfOwners(self.here(), [*owners])

    def identity_of(self, *values: Any) -> Any:
        (owner,) = values
        return owner

    def key(self, identity: Any) -> str:
        source = self if self._alias else self.here()
        return f"{source.key_prefix()}{source.keys_by[0].part(identity)}"

    def by_key(self, owners: Sequence[Any], prefix: str | None = None) -> dict[str, Any]:
        """Return the identities of several owners, in the form of `unique`, by key."""
        begin, (kind,) = prefix or self.key_prefix(), self.keys_by
        if kind.is_integer and owners and min(owners) >= 0 and max(owners) < 1 << 64:
            return {f"{begin}{owner}": owner for owner in owners}
        return {f"{begin}{kind.part(owner)}": owner for owner in owners}

    def unique(self, owners: Iterable[Any]) -> list[Any]:
        """Return owners in their one form, each once; raises ValidationError for one of the wrong type."""
        (kind,), unique = self.keys_by, dict.fromkeys(owners)
        is_canonical = kind.is_integer and set(map(type, unique)) <= {int}
        return [*unique] if is_canonical else [*dict.fromkeys(map(kind.canonical, owners))]

    def prefix_of_integers(self) -> str | None:
        """Return what the keys begin with, if they end with integers."""
        return self.key_prefix() if self.has_integers else None

    def _faults(self, using: str) -> Iterator[Fault]:
        yield from super()._faults(using)
        yield from self._integer_faults(self._member or self.model._meta.pk.name)

    def load(self, identities: Iterable[Any]) -> Mapping[Any, bytes]:
        """Read one short range of an index for each owner, many of them by one query."""
        (kind,) = self.keys_by
        asked = list(identities)
        found = dict.fromkeys(asked, self.prefix)
        owners = [owner for owner in asked if kind.may_exist(owner)]
        of_each = rows_of_each(owners, self._newest, column=self._field(*self.by), using=self.using)
        for owner, rows in of_each:
            found[owner] = self._entry([*chain.from_iterable(row[-self.ids_of_a_row :] for row in rows)])
        return found

    def _newest(self, owner: Any) -> Any:
        columns = ["pk"] if self._member is None else ["pk", self.column(self._member)]
        rows = all_rows(self.model, self.using).filter(self.where).filter(**{self.by[0]: owner})
        return rows.order_by("-pk").values_list(*columns)[: self._limit]

    def encode(self, identity: Any, value: bytes) -> tuple[bytes, int]:
        return value, jittered_ms(LIST_LIFE_S)

    def decode(self, identity: Any, entry: bytes) -> bytes:
        if not (entry.startswith(self.prefix) and is_packed(entry[PREFIX_BYTES:])):
            raise Stale
        return entry

    def decode_all(self, identities: Iterable[Any], entries: Sequence[bytes]) -> Sequence[bytes]:
        """Return the entries; raises Stale. What lies between two entries that begin alike begins so, too."""
        if entries and not (min(entries).startswith(self.prefix) and max(entries).startswith(self.prefix)):
            raise Stale
        return entries

    def listed(self, entry: bytes) -> Listed:
        """Return what an entry says."""
        listed = _short[entry]
        if listed is None:
            ids = unpack(entry[PREFIX_BYTES:])
            listed = Listed(ids, len(ids) < self._limit * self.ids_of_a_row)
            if len(entry) <= SHORT_BYTES:
                _short.put(entry, listed)
        return listed

    def bound(self, id_: int) -> bytes:
        """Return the least entry of a list whose newest id is this one, or greater."""
        return self._entry([id_])

    def _entry(self, ids: Sequence[int]) -> bytes:
        return self.prefix + pack(ids)

    @cached_property
    def prefix(self) -> bytes:
        """What every entry begins with."""
        return b"V" + fingerprint([self.kind, self.name, self._limit])

    @cached_property
    def _limit(self) -> int:
        """The number of ids in an entry: the lists that differ by `newest` alone share it."""
        lists = (each for each in registry.declarations_of(self.model) if isinstance(each, IdList))
        return max(each.newest for each in lists if (each.kind, each.name) == (self.kind, self.name))
