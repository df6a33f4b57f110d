"""Rows that relate an owner to members: a follow, a like, a block. Id sets are derived from them."""

from typing import ClassVar

from django.db import models

from .models import TransactionalModel
from .querysets import EdgeQuerySet


class EdgeModel(TransactionalModel):
    """Base of the models that id sets are declared on.

    `partitioned_by` is the attribute name of a column that never changes, such as "user_id", by which the table may be
    partitioned or sharded: deletions name its value beside the primary key, so that they reach one partition.
    """

    queryset_class = EdgeQuerySet
    partitioned_by: ClassVar[str] = ""

    objects = models.Manager.from_queryset(EdgeQuerySet)()

    class Meta:
        abstract = True
