"""Votes on books, and the counters of a book beside what its rows say."""

from counters import reads
from tests.testapp.models import Vote

ZEROS = {"votes": 0, "stars": 0, "public": 0, "public_stars": 0}


def counts(book):
    """Return the counters of a book as an application reads them."""
    return reads.counts_of("book", [book.pk])[book.pk]


def truth(book):
    """Return what the counters of a book must be, by its rows."""
    votes = list(Vote.objects.filter(book=book).values_list("stars", "is_public"))
    public = [stars for stars, is_public in votes if is_public]
    every = [stars for stars, _ in votes]
    return {"votes": len(every), "stars": sum(every), "public": len(public), "public_stars": sum(public)}


def vote(author, book, **columns):
    return Vote.objects.create(author=author, book=book, **columns)
