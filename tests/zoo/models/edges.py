"""Edges, and what is derived from them: id sets, id lists, values of edges."""

from django.db import models
from django.db.models import Q

from caching.api import CachedModel, EdgeList, EdgeModel, EdgeValue, IdList, IdSet

from .shop import Ware
from .trees import Person


class Subscription(EdgeModel):
    """Who reads whom."""

    reader = models.ForeignKey(Person, models.CASCADE, related_name="subscriptions")
    writer = models.ForeignKey(Person, models.CASCADE, related_name="subscribers")
    since = models.DateTimeField(auto_now_add=True)

    class Meta(EdgeModel.Meta):
        constraints = [models.UniqueConstraint(fields=("reader", "writer"), name="zoo_subscriptions_are_once")]


class Rating(CachedModel):
    """What a person thinks of a ware; null for one who has seen it without an opinion."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="ratings")
    ware = models.ForeignKey(Ware, models.CASCADE, related_name="ratings")
    stars = models.SmallIntegerField(null=True)
    is_public = models.BooleanField(default=True)

    class Meta(CachedModel.Meta):
        unique_together = (("person", "ware"),)


subscriptions = IdSet(Subscription, owner="reader", member="writer")
newest_subscribers = IdList(Subscription, owner="writer", newest=3)
newest_readers = EdgeList(Subscription, owner="writer", member="reader", newest=3)
stars = EdgeValue(Rating, owner="person", member="ware", value="stars")
public_ratings = IdList(Rating, owner="ware", newest=4, where=Q(is_public=True))
