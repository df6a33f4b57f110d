"""Rows whose foreign keys follow the deletion of what they point to, in every way that Django offers."""

from typing import Any

from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.db import models

from caching.api import Cached, CachedModel, EdgeModel, EdgeValue, IdList, IdSet


def fallback_crew() -> int:
    """Return the key of the team that takes over what a deleted team leaves."""
    return Crew.objects.get_or_create(name="fallback")[0].pk


def to_fallback(collector: Any, field: Any, sub_objs: Any, using: str) -> None:
    """Like SET(fallback_crew), but lazily, as an `on_delete` of one's own may."""
    collector.add_field_update(field, fallback_crew(), sub_objs)


to_fallback.lazy_sub_objs = True


def delete_unread(collector: Any, field: Any, sub_objs: Any, using: str) -> None:
    """Cascade by one statement, as an `on_delete` of one's own may."""
    collector.fast_deletes.append(sub_objs)


class Crew(models.Model):
    """Not cached."""

    name = models.CharField(max_length=40)
    remarks = GenericRelation("zoo.ShipLog")
    people = models.ManyToManyField("zoo.Sailor", through="zoo.Berth", related_name="teams")


class Fleet(CachedModel):
    name = models.CharField(max_length=40, default="")


class Harbour(models.Model):
    """A level between, which is not cached."""

    fleet = models.ForeignKey(Fleet, models.CASCADE)
    team = models.ForeignKey(Crew, models.CASCADE, null=True)


class Sailor(CachedModel):
    cached = Cached(lookups=("badge",))

    badge = models.CharField(max_length=20, unique=True)
    harbour = models.ForeignKey(Harbour, models.CASCADE, null=True)
    to_null = models.ForeignKey(Crew, models.SET_NULL, null=True, related_name="+")
    to_default = models.ForeignKey(Crew, models.SET_DEFAULT, null=True, default=fallback_crew, related_name="+")
    to_value = models.ForeignKey(Crew, models.SET(fallback_crew), null=True, related_name="+")
    to_own = models.ForeignKey(Crew, to_fallback, null=True, related_name="+")


class ShorePass(CachedModel):
    team = models.ForeignKey(Crew, delete_unread)


class Berth(EdgeModel):
    """The rows of a many-to-many relation."""

    team = models.ForeignKey(Crew, models.CASCADE)
    person = models.ForeignKey(Sailor, models.CASCADE)
    sponsor = models.ForeignKey(Fleet, models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "person"], name="one_berth")]


class ShipLog(CachedModel):
    """Deleted by a generic relation."""

    content_type = models.ForeignKey(ContentType, models.CASCADE, related_name="+")
    object_id = models.BigIntegerField()
    about = GenericForeignKey()
    text = models.CharField(max_length=40, default="")


class Fondness(CachedModel):
    """A row whose key is a foreign key, with a value for each pair."""

    person = models.ForeignKey(Sailor, models.CASCADE)
    team = models.ForeignKey(Crew, models.SET_DEFAULT, default=fallback_crew)
    love = models.IntegerField(default=1)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "team"], name="one_fondness")]


people_of = {name: IdList(Sailor, owner=name, newest=5) for name in ("to_null", "to_default", "to_value", "to_own")}
seats = IdSet(Berth, owner="team", member="person")
teams_of = IdSet(Berth, owner="person", member="team")
passes_of = IdList(ShorePass, owner="team", newest=5)
remarks_on = IdList(ShipLog, owner="object_id", newest=5)
loves = EdgeValue(Fondness, owner="person", member="team", value="love")
