"""Rows that relate an owner to members: a follow, a like, a block. Id sets are derived from them."""

from django.db import models

from .models import TransactionalModel
from .querysets import EdgeQuerySet


class EdgeModel(TransactionalModel):
    """Base of the models that id sets are declared on."""

    queryset_class = EdgeQuerySet

    objects = models.Manager.from_queryset(EdgeQuerySet)()

    class Meta:
        abstract = True
