"""The verbs of a cached model for coroutines: hits take no thread, all else runs in the thread that Django uses."""

from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from asgiref.sync import sync_to_async
from django.db.models import Model

from ..entries.rows import rows_of
from ..entries.source import Found
from ..reading.asynchronous import abatch, afind
from ..reading.batch import Batch
from ..reading.results import RowsResult, check_columns, instance_of
from .answers import check_one_question, does_not_exist, only
from .scope import Scope

M = TypeVar("M", bound=Model)


class AsyncVerbs(Generic[M]):
    """Verbs for coroutines; each answers and raises as the verb without the `a` does."""

    model: Any
    create_one: Callable[..., M]
    update_one: Callable[..., M]
    _scope: Callable[[], Scope]

    async def aget_one(self, pk: Any = None, **lookup: Any) -> M:
        """Return the instance with this pk, or with this value of a declared unique lookup."""
        check_one_question(pk, lookup)
        if not lookup:
            return only(self.model, await self.aget_some([pk]))
        using, admits = self._scope()
        row = await afind(self.model, *lookup.popitem(), using)
        if row is None or not (admits is None or admits(row)):
            raise does_not_exist(self.model)
        instance: M = instance_of(self.model, row, rows_of(self.model, using))
        return instance

    async def aget_some(self, pks: Iterable[Any]) -> Found[M]:
        """Return the instances with these pks, and the pks that no row has."""
        return (await self._arows(pks)).instances()

    async def aget_one_cols(self, pk: Any, *columns: str) -> dict[str, Any]:
        """Return the named columns of one row."""
        return only(self.model, await self.aget_some_cols([pk], *columns))

    async def aget_some_cols(self, pks: Iterable[Any], *columns: str) -> Found[dict[str, Any]]:
        """Return dicts of columns, and the pks that no row has."""
        check_columns(self.model, columns)
        return (await self._arows(pks)).cols(*columns)

    async def acreate_one(self, **fields: Any) -> M:
        """Insert a row."""
        return await sync_to_async(self.create_one)(**fields)

    async def aupdate_one(self, pk: Any, **changes: Any) -> M:
        """Lock the row, change the named fields alone, return the instance."""
        return await sync_to_async(self.update_one)(pk, **changes)

    async def _arows(self, pks: Iterable[Any]) -> RowsResult[M]:
        using, admits = self._scope()
        batch = Batch()
        rows = batch.rows(self.model, pks, using)
        await abatch(batch)
        if admits is not None:
            rows.keep(admits)
        return rows
