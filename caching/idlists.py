"""The newest ids of an owner's rows, in order: what the first page of a list is made of, without SQL.

    newest_posts = IdList(Post, owner="author", newest=16, where=Q(is_hidden=False))

    batch = Batch()
    posts = batch.ids(newest_posts, author_id)
    batch.run()
    posts.result            # [902, 871, …], at most 16

Such a list is an entry like a row's: filled under a lease, held by whoever writes a row that is, was or will be in it.
"""

from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from typing import Any

import msgspec
from django.db import models, router
from django.db.models import Q, signals

from . import holds, many, registry
from .codec import Stale, fingerprint
from .conf import conf
from .options import jittered_ms

LIST_LIFE_S = 24 * 3_600

_pack, _unpack = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(list[int]).decode


class IdList:
    """`owner` names a foreign key or plain column of a cached model or an edge; `where` admits rows to the list."""

    probing = False

    def __init__(self, model: type[models.Model], *, owner: str, newest: int, where: Q | None = None) -> None:
        self.model = model
        self.newest = newest
        self.label = f"{model._meta.label_lower}.{owner}"
        self._owner_field = owner
        self._where = Q() if where is None else where
        self._prefix = b"V" + fingerprint(["list", self.label, newest, self._where])
        registry.register_edge(model)
        for signal, receiver in (
            (signals.pre_save, self._before_save),
            (signals.pre_delete, self._before_delete),
            (many.inserting, self._before_insert),
            (many.updating, self._around_update),
            (many.updated, self._around_update),
        ):
            signal.connect(receiver, sender=model)

    @cached_property
    def owner(self) -> str:
        return str(self.model._meta.get_field(self._owner_field).attname)  # type: ignore[union-attr]

    @cached_property
    def using(self) -> str:
        return router.db_for_write(self.model)

    # What Reading asks of a source.

    def key(self, owner: Any) -> str:
        return f"{conf().prefix}:list:{self.label}:{owner}"

    def load(self, owners: Iterable[Any]) -> Mapping[Any, list[int]]:
        """One short range of an index for each owner."""
        rows = self.model._base_manager.using(self.using).filter(self._where).order_by("-pk")
        return {
            owner: list(rows.filter(**{self.owner: owner}).values_list("pk", flat=True)[: self.newest])
            for owner in owners
        }

    def encode(self, owner: Any, ids: list[int]) -> tuple[bytes, int]:
        return self._prefix + _pack(ids), jittered_ms(LIST_LIFE_S)

    def decode(self, owner: Any, entry: bytes) -> list[int]:
        if not entry.startswith(self._prefix):
            raise Stale
        try:
            return _unpack(entry[len(self._prefix) :])
        except msgspec.MsgspecError as error:
            raise Stale from error

    # Writes. A row that moves is held in the list that it leaves, too.

    def _before_save(self, *, instance: Any, using: str, update_fields: Collection[str] | None, **_: Any) -> None:
        if self._concerns(update_fields):
            self._hold(using, {getattr(instance, self.owner)})
            if instance.pk is not None:
                self._hold(using, self._owners_of([instance.pk], using))

    def _before_delete(self, *, instance: Any, using: str, **_: Any) -> None:
        self._hold(using, {getattr(instance, self.owner)})

    def _before_insert(self, *, instances: list[Any], using: str, **_: Any) -> None:
        self._hold(using, {getattr(instance, self.owner) for instance in instances})

    def _around_update(self, *, pks: list[Any], columns: Collection[str], using: str, **_: Any) -> None:
        # After the update any time before the commit will do: until then nobody else can see what the new owner has.
        if self._concerns(columns):
            self._hold(using, self._owners_of(pks, using))

    def _concerns(self, columns: Collection[str] | None) -> bool:
        return columns is None or bool(self._where) or not {self.owner, self._owner_field}.isdisjoint(columns)

    def _owners_of(self, pks: list[Any], using: str) -> set[Any]:
        rows = self.model._base_manager.using(using).filter(pk__in=pks)
        return set(rows.order_by().values_list(self.owner, flat=True))

    def _hold(self, using: str, owners: set[Any]) -> None:
        holds.hold(using, [self.key(owner) for owner in owners if owner is not None])
