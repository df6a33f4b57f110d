"""Tables of the baselines; only the benchmark's own database has them (migrate --run-syncdb)."""

from typing import ClassVar

from django.db import models


class Tally(models.Model):
    """The sums of an item in one row, which all its raters write."""

    item_id = models.BigIntegerField(primary_key=True)
    count = models.PositiveIntegerField(default=0)
    sum = models.PositiveBigIntegerField(default=0)
    score_1 = models.PositiveIntegerField(default=0)
    score_2 = models.PositiveIntegerField(default=0)
    score_3 = models.PositiveIntegerField(default=0)
    score_4 = models.PositiveIntegerField(default=0)
    score_5 = models.PositiveIntegerField(default=0)
    score_6 = models.PositiveIntegerField(default=0)
    score_7 = models.PositiveIntegerField(default=0)
    score_8 = models.PositiveIntegerField(default=0)
    score_9 = models.PositiveIntegerField(default=0)
    score_10 = models.PositiveIntegerField(default=0)

    objects: ClassVar = models.Manager()

    class Meta:
        app_label = "baselines"

    def __str__(self) -> str:
        return f"{self.item_id}: {self.sum} of {self.count}"
