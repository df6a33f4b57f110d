"""Counters of the test application; the counters of a book are declared in two places, as two apps may do."""

from django.db.models import Q

from counters.api import CounterSet, CountOf, SumOf
from tests.testapp.models import Loan, Vote

CounterSet("book", votes=CountOf(Vote, "book"), stars=SumOf(Vote, "book", "stars"))
CounterSet("book", public=CountOf(Vote, "book", where=Q(is_public=True)), public_stars=SumOf(
    Vote, "book", "stars", where=Q(is_public=True)
))  # fmt: skip
CounterSet("author", votes=CountOf(Vote, "author"))
CounterSet("reader", loans=CountOf(Loan, "reader"), pages=SumOf(Loan, "reader", "book", where=Q(book__gt=10)))
