"""Models with the default manager, and with one of their own."""

from typing import ClassVar

from django.db import models

from caching.api import Cached, CachedManager, CachedModel


class Product(CachedModel):
    name = models.CharField(max_length=50)
    cached = Cached(ttl_s=60)


class ShelfManager(CachedManager["Shelf"]):
    def lowest(self) -> "Shelf":
        return self.get_one(1)


class Shelf(CachedModel):
    objects: ClassVar[ShelfManager] = ShelfManager()
    cached = Cached(ttl_s=60)
