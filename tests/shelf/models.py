"""Models with the corners that matter: unique lookup, secret column, cascades, a proxy, multi-table inheritance."""

from django.db import models

from caching import Cached, CachedModel


class Author(CachedModel):
    name = models.CharField(max_length=100, default="")
    email = models.CharField(max_length=100, unique=True)
    secret = models.CharField(max_length=100, default="")
    visits = models.IntegerField(default=0)
    born = models.DateTimeField(null=True)
    cached = Cached(ttl_s=600, never=("secret", "visits"), lookups=("email",), since="born")


class Penname(Author):
    cached = Author.cached

    class Meta(CachedModel.Meta):
        proxy = True


class Book(CachedModel):
    title = models.CharField(max_length=100)
    author = models.ForeignKey(Author, null=True, on_delete=models.SET_NULL, related_name="books")
    editor = models.ForeignKey(Author, null=True, on_delete=models.CASCADE, related_name="edited")
    cached = Cached(ttl_s=600)


class Novel(Book):
    pages = models.IntegerField(default=0)
    cached = Cached(ttl_s=600)
