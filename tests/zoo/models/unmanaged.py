"""Tables that Django does not make."""

from django.db import models

from caching.api import Cached, CachedModel


class Legacy(CachedModel):
    """A row of a table that another program has made; the suite makes it."""

    cached = Cached(lookups=("LegacyCode",))

    RowID = models.IntegerField(primary_key=True, db_column="RowID")
    LegacyCode = models.CharField(max_length=12, unique=True, db_column="LegacyCode")
    Payload = models.TextField(db_column="PAYLOAD", blank=True)

    class Meta(CachedModel.Meta):
        managed = False
        db_table = "tblLegacy"
