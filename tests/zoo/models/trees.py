"""Models that point to themselves."""

from django.db import models

from caching.api import Cached, CachedModel


class Category(CachedModel):
    """A tree by a foreign key to itself, found by a slug."""

    cached = Cached(lookups=("slug",))

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=80, default="")
    parent = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="children")
