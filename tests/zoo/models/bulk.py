"""Rows that are written by the hundred, beside rows of a plain model of Django with the same columns."""

from django.db import models

from caching.api import Cached, CachedModel, IdList


class Depot(models.Model):
    name = models.CharField(max_length=20)
    size = models.IntegerField(default=1)


class Sticker(models.Model):
    name = models.CharField(max_length=20)


class StockColumns(models.Model):
    """The columns of both kinds."""

    code = models.CharField(max_length=20, unique=True)
    rank = models.IntegerField(unique=True)
    n = models.IntegerField(default=0)
    m = models.IntegerField(default=0)
    note = models.TextField(default="")
    depot = models.ForeignKey(Depot, models.SET_NULL, null=True, related_name="%(class)s_set")
    stickers = models.ManyToManyField(Sticker, related_name="%(class)s_set")

    class Meta:
        abstract = True
        ordering = ["-n"]


class PlainStock(StockColumns):
    pass


class Stock(CachedModel, StockColumns):
    cached = Cached(lookups=("code", "rank"), never=("note",))


class PlainBox(PlainStock):
    width = models.IntegerField(default=0)


class Box(Stock):
    cached = Cached(lookups=("code",), never=("note",))

    width = models.IntegerField(default=0)


stock_of = IdList(Stock, owner="depot", newest=10)
