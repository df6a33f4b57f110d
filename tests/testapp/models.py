"""Models with unique lookups, a secret column, cascades, a proxy, multi-table inheritance, edges, lists and sets."""

import uuid

from django.db import models
from django.db.models import Q

from caching.api import Cached, CachedModel, EdgeList, EdgeModel, EdgeValue, IdList, IdSet


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


class Publisher(models.Model):
    """A model that is not cached, whose deletion cascades to cached rows."""

    name = models.CharField(max_length=100, default="")


class Book(CachedModel):
    title = models.CharField(max_length=100)
    isbn = models.CharField(max_length=20, null=True, unique=True)  # noqa: DJ001  a book may have none
    author = models.ForeignKey(Author, null=True, on_delete=models.SET_NULL, related_name="books")
    editor = models.ForeignKey(Author, null=True, on_delete=models.CASCADE, related_name="edited")
    publisher = models.ForeignKey(Publisher, null=True, on_delete=models.CASCADE, related_name="books")
    cached = Cached(ttl_s=600, lookups=("isbn",))


class Novel(Book):
    pages = models.IntegerField(default=0)
    cached = Cached(ttl_s=600)


class Parcel(CachedModel):
    """A model with a primary key that is not an integer, and a column of every kind."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    code = models.UUIDField(unique=True, default=uuid.uuid4)
    number = models.PositiveBigIntegerField(unique=True, null=True)
    weight = models.DecimalField(max_digits=12, decimal_places=3, default=0)
    height = models.FloatField(default=0)
    is_open = models.BooleanField(null=True)
    sent_at = models.DateTimeField(null=True)
    due = models.DateField(null=True)
    hour = models.TimeField(null=True)
    took = models.DurationField(null=True)
    seal = models.BinaryField(default=b"")
    labels = models.JSONField(default=dict)
    address = models.GenericIPAddressField(null=True)
    scan = models.FileField(default="")
    link = models.URLField(default="")
    cached = Cached(ttl_s=600, lookups=("code", "number"))


class Vote(CachedModel):
    """An edge that is counted; see tests/testapp/counts.py."""

    author = models.ForeignKey(Author, models.CASCADE, related_name="+")
    book = models.ForeignKey(Book, models.CASCADE, null=True, related_name="+")
    stars = models.IntegerField(default=1)
    is_public = models.BooleanField(default=True)
    cached = Cached(ttl_s=600)

    class Meta(CachedModel.Meta):
        constraints = [models.UniqueConstraint(fields=["author", "book"], name="vote_once")]


class Bookmark(EdgeModel):
    """An edge with plain columns, so that a test may insert 20,000 rows without as many books."""

    reader = models.BigIntegerField()
    book = models.BigIntegerField()

    class Meta(EdgeModel.Meta):
        constraints = [models.UniqueConstraint(fields=["reader", "book"], name="bookmark_once")]


class Loan(EdgeModel):
    reader = models.BigIntegerField()
    book = models.BigIntegerField()

    class Meta(EdgeModel.Meta):
        constraints = [models.UniqueConstraint(fields=["reader", "book"], name="loan_once")]


class Note(CachedModel):
    reader = models.BigIntegerField(null=True)
    text = models.CharField(max_length=100, default="")
    is_open = models.BooleanField(default=True)
    cached = Cached(ttl_s=600)


class Review(CachedModel):
    reader = models.BigIntegerField(null=True)
    book = models.BigIntegerField()
    stars = models.IntegerField(null=True)
    text = models.CharField(max_length=100, default="")
    cached = Cached(ttl_s=600)

    class Meta(CachedModel.Meta):
        constraints = [models.UniqueConstraint(fields=["reader", "book"], name="review_once")]


bookmarks = IdSet(Bookmark, owner="reader", member="book", newest=5_000)
loans = IdSet(Loan, owner="reader", member="book")
open_notes = IdList(Note, owner="reader", newest=3, where=Q(is_open=True))
latest_loans = EdgeList(Loan, owner="reader", member="book", newest=3)
latest_reviews = EdgeList(Review, owner="reader", member="book", newest=2, where=Q(stars__gte=3))
stars_given = EdgeValue(Review, owner="reader", member="book", value="stars")
