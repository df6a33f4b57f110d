"""What shops have: orders with lines, translations, tenants in rows, stock that is counted."""

from typing import Any

from django.db import models
from django.db.models import F, Q
from django.db.models.signals import post_delete, post_save

from caching.api import Cached, CachedModel


class Tenant(CachedModel):
    """Whose rows are kept apart from those of others in the same tables."""

    cached = Cached(lookups=("domain",))

    domain = models.CharField(max_length=100, unique=True)
    plan = models.CharField(max_length=20, default="free")


class Ware(CachedModel):
    """A row of a tenant: a number that is unique within the tenant only."""

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    sku = models.CharField(max_length=40)
    stock = models.IntegerField(default=0)
    price = models.DecimalField(max_digits=10, decimal_places=2)
    is_primary = models.BooleanField(default=False)

    class Meta(CachedModel.Meta):
        default_related_name = "wares"
        constraints = [
            models.UniqueConstraint(fields=("tenant", "sku"), name="zoo_skus_of_a_tenant"),
            models.UniqueConstraint(fields=("tenant",), condition=Q(is_primary=True), name="zoo_one_primary_ware"),
        ]


class WareName(CachedModel):
    """A translation, as django-parler keeps them."""

    master = models.ForeignKey(Ware, models.CASCADE, null=True, related_name="translations", editable=False)
    language_code = models.CharField(max_length=15, db_index=True)
    name = models.CharField(max_length=200)

    class Meta(CachedModel.Meta):
        unique_together = (("language_code", "master"),)
        db_table = "zoo_ware_translation"


class Order(CachedModel):
    """An order with lines."""

    number = models.CharField(max_length=20, unique=True)
    lines_count = models.PositiveIntegerField(default=0)
    total = models.DecimalField(max_digits=12, decimal_places=2, default=0)

    cached = Cached(lookups=("number",))

    class Meta(CachedModel.Meta):
        ordering = ("-id",)
        get_latest_by = "id"


class OrderLine(CachedModel):
    """A line that the deletion of its ware is refused for; receivers keep the sums of its order."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="lines")
    ware = models.ForeignKey(Ware, models.PROTECT, related_name="lines", null=True)
    amount = models.PositiveIntegerField(default=1)

    class Meta(CachedModel.Meta):
        order_with_respect_to = "order"


def count_line(*, instance: OrderLine, created: bool, raw: bool, using: str, **_: Any) -> None:
    """Count a new line, in the database."""
    if created and not raw:
        Order.objects.using(using).filter(pk=instance.order_id).update(lines_count=F("lines_count") + 1)


def uncount_line(*, instance: OrderLine, using: str, **_: Any) -> None:
    """Count a line that is gone, by an instance of its order that may have been read from the cache."""
    for order in Order.objects.using(using).filter(pk=instance.order_id, lines_count__gt=0):
        order.lines_count = F("lines_count") - 1
        order.save(update_fields=["lines_count"])


post_save.connect(count_line, sender=OrderLine)
post_delete.connect(uncount_line, sender=OrderLine)
