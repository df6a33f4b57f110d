from django.db import models

from caching.api import Cached, CachedModel


class Maker(models.Model):
    name = models.CharField(max_length=50)


class Product(CachedModel):
    cached = Cached(ttl_s=3600, never=("cost",), lookups=("sku",))

    sku = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=100)
    cost = models.DecimalField(max_digits=9, decimal_places=2, default=0)
    maker = models.ForeignKey(Maker, models.SET_NULL, null=True)

    class Meta:
        ordering = ("sku",)
