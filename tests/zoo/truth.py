"""Compare what the cache answers with the rows in the database."""

from typing import Any

from django.db.models import QuerySet

from caching.api import Batch, EdgeList, EdgeValue, IdList, IdSet
from caching.entries.rows import rows_of
from tests.support.threads import in_another_thread


class Truth:
    """Cached models and what is derived from them; each call of `holds()` asks for all that was ever there."""

    def __init__(self, *models: Any, lists: Any = (), sets: Any = (), values: Any = ()) -> None:
        self._models, self._derived = models, (*lists, *sets, *values)
        self._pks: dict[Any, set[Any]] = {model: set() for model in models}
        self._ends: dict[Any, tuple[set[Any], set[Any]]] = {each: (set(), set()) for each in self._derived}
        assert self.holds()
        assert self.holds()  # by now everything is an entry

    def holds(self) -> bool:
        """Assert that every answer in another thread, which may fill, is what the database says."""
        in_another_thread(self._compare)
        return True

    def _compare(self) -> None:
        for model in self._models:
            columns = rows_of(model).codec.columns
            stored = {row["pk"]: row for row in QuerySet(model).values("pk", *columns)}
            self._pks[model].update(stored)
            found = model.objects.get_some_cols(self._pks[model])
            assert {row[model._meta.pk.attname]: row for row in found.results} == {
                pk: {name: row[name] for name in columns} for pk, row in stored.items()
            }, model
        for each in self._derived:
            owners, members = self._ends[each]
            rows = QuerySet(each.model).filter(each.where)
            columns = [each.column(name) for name in (*each._by, *each._of)]
            owners.update(rows.values_list(columns[0], flat=True))
            if len(columns) > 1:
                members.update(rows.values_list(columns[1], flat=True))
            for owner in owners - {None}:
                answer, expected = _ask(each, owner, members - {None}, rows, columns)
                assert answer == expected, (each.label, owner)


def newest_of(source: IdList, rows: Any) -> list[Any]:
    """Return what a list of these rows holds."""
    columns = ["pk"] if source._member is None else ["pk", source._member]
    found = rows.order_by("-pk").values_list(*columns)[: source.newest]
    return [row if isinstance(source, EdgeList) else row[-1] for row in found]


def _ask(source: Any, owner: Any, members: set[Any], rows: Any, columns: list[str]) -> tuple[Any, Any]:
    mine = rows.filter(**{columns[0]: owner})
    batch = Batch()
    if isinstance(source, IdList):
        asked = batch.add(source.of(owner))
        expected: Any = newest_of(source, mine)
    elif isinstance(source, IdSet):
        asked = batch.add(source.among(owner, members))
        has = set(mine.values_list(columns[1], flat=True))
        expected = {each: each in has for each in members}
    else:
        assert isinstance(source, EdgeValue)
        asked = batch.add(source.of(owner, members))
        given = dict(mine.values_list(columns[1], columns[2]))
        expected = {each: given.get(each) for each in members}
    batch.run()
    return asked.result, expected
