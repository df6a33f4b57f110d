"""Models that are written in transactions of every kind."""

from django.db import models

from caching.api import Cached, CachedModel, EdgeModel, IdList, IdSet


class Account(CachedModel):
    cached = Cached(ttl_s=600, lookups=("number",))

    number = models.CharField(max_length=20, unique=True)
    owner = models.CharField(max_length=40, default="")
    branch = models.BigIntegerField(default=1)
    balance = models.BigIntegerField(default=0)


class Branch(CachedModel):
    """A model that tests keep in the second database."""

    cached = Cached(ttl_s=600)

    name = models.CharField(max_length=40, default="")


class Payee(EdgeModel):
    """An edge without foreign keys, so that a test may insert many."""

    account = models.BigIntegerField()
    payee = models.BigIntegerField()

    class Meta(EdgeModel.Meta):
        constraints = [models.UniqueConstraint(fields=["account", "payee"], name="zoo_payee_once")]


class Statement(EdgeModel):
    """A row that is not cached, and that a list is derived from."""

    account = models.BigIntegerField()
    text = models.CharField(max_length=40, default="")


payees = IdSet(Payee, owner="account", member="payee")
newest_accounts = IdList(Account, owner="branch", newest=3)
newest_statements = IdList(Statement, owner="account", newest=3)
