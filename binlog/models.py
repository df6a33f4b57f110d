"""The table of positions."""

from django.db import models


class Position(models.Model):
    """How far the log of a database has been followed, by whom, and how that is going.

    All times are by the database's clock. `gtids` are the last transactions that were dealt with, of each domain;
    `problem` tells why the log is not followed.
    """

    database = models.CharField(max_length=64, primary_key=True)
    gtids = models.CharField(max_length=1000, default="", db_default="")
    server_id = models.PositiveBigIntegerField(default=0, db_default=0)
    leader = models.CharField(max_length=190, default="", db_default="")
    leads_until = models.DateTimeField(null=True, default=None)
    heard_at = models.DateTimeField(null=True, default=None)
    lag_s = models.FloatField(default=0, db_default=0)
    problem = models.CharField(max_length=300, default="", db_default="")

    class Meta:
        db_table = "binlog_position"

    def __str__(self) -> str:
        return f"{self.database} up to {self.gtids}"
