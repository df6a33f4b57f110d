"""Deletions that name the partition of their rows: the column that a model names as `partitioned_by`.

A statement that names the primary key alone would look into each partition, or go to each shard. The primary key stays
the index that is read: one that begins with the owner would be locked before the row, by others after it.
"""

from collections.abc import Collection
from typing import Any

from django.db import connections
from django.db.models import QuerySet


def partition_of(model: Any) -> str:
    """Return the attribute name of the column that a model's table may be partitioned by; "" if it names none."""
    return getattr(model, "partitioned_by", "")


def partition_of_one(instances: Collection[Any]) -> dict[str, Any]:
    """Return a condition that a single row fulfils: no more than one, for which any database reads the primary key."""
    (instance, *others) = instances or (None,)
    column = partition_of(type(instance))
    return {column: getattr(instance, column)} if column and not others else {}


def delete_locked(model: Any, instances: Collection[Any], using: str) -> int:
    """Delete locked rows of a model that names a partition, by it and the primary key; return how many there were.

    Nothing is held and nobody told: that is the caller's.
    """
    if not instances:
        return 0
    column = partition_of(model)
    pks, owners = [each.pk for each in instances], sorted({getattr(each, column) for each in instances})
    if connections[using].vendor != "mysql":
        rows: QuerySet[Any] = QuerySet(model, using=using).filter(pk__in=pks, **{f"{column}__in": owners})
        return int(rows._raw_delete(using))
    table, owner = model._meta.db_table, model._meta.get_field(column).column
    places = [", ".join(["%s"] * len(values)) for values in (pks, owners)]
    with connections[using].cursor() as cursor:
        cursor.execute(
            f"DELETE {table} FROM {table} FORCE INDEX (PRIMARY) "
            f"WHERE {model._meta.pk.column} IN ({places[0]}) AND {owner} IN ({places[1]})",
            [*pks, *owners],
        )
        return int(cursor.rowcount)
