"""Rows whose foreign keys follow the deletion of what they point to, in every way that Django offers."""

from typing import Any

from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.db import models

from caching.api import Cached, CachedModel, EdgeModel, EdgeValue, IdList, IdSet


def fallback_team() -> int:
    """Return the key of the team that takes over what a deleted team leaves."""
    return Team.objects.get_or_create(name="fallback")[0].pk


def to_fallback(collector: Any, field: Any, sub_objs: Any, using: str) -> None:
    """Like SET(fallback_team), but lazily, as an `on_delete` of one's own may."""
    collector.add_field_update(field, fallback_team(), sub_objs)


to_fallback.lazy_sub_objs = True


def delete_unread(collector: Any, field: Any, sub_objs: Any, using: str) -> None:
    """Cascade by one statement, as an `on_delete` of one's own may."""
    collector.fast_deletes.append(sub_objs)


class Team(models.Model):
    """Not cached."""

    name = models.CharField(max_length=40)
    remarks = GenericRelation("zoo.Remark")
    people = models.ManyToManyField("zoo.Person", through="zoo.Seat", related_name="teams")


class League(CachedModel):
    name = models.CharField(max_length=40, default="")


class Club(models.Model):
    """A level between, which is not cached."""

    league = models.ForeignKey(League, models.CASCADE)
    team = models.ForeignKey(Team, models.CASCADE, null=True)


class Person(CachedModel):
    cached = Cached(lookups=("badge",))

    badge = models.CharField(max_length=20, unique=True)
    club = models.ForeignKey(Club, models.CASCADE, null=True)
    to_null = models.ForeignKey(Team, models.SET_NULL, null=True, related_name="+")
    to_default = models.ForeignKey(Team, models.SET_DEFAULT, null=True, default=fallback_team, related_name="+")
    to_value = models.ForeignKey(Team, models.SET(fallback_team), null=True, related_name="+")
    to_own = models.ForeignKey(Team, to_fallback, null=True, related_name="+")


class Ticket(CachedModel):
    team = models.ForeignKey(Team, delete_unread)


class Seat(EdgeModel):
    """The rows of a many-to-many relation."""

    team = models.ForeignKey(Team, models.CASCADE)
    person = models.ForeignKey(Person, models.CASCADE)
    sponsor = models.ForeignKey(League, models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "person"], name="one_seat")]


class Remark(CachedModel):
    """Deleted by a generic relation."""

    content_type = models.ForeignKey(ContentType, models.CASCADE)
    object_id = models.BigIntegerField()
    about = GenericForeignKey()
    text = models.CharField(max_length=40, default="")


class Fan(CachedModel):
    """A row whose key is a foreign key, with a value for each pair."""

    person = models.ForeignKey(Person, models.CASCADE)
    team = models.ForeignKey(Team, models.SET_DEFAULT, default=fallback_team)
    love = models.IntegerField(default=1)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "team"], name="one_love")]


people_of = {name: IdList(Person, owner=name, newest=5) for name in ("to_null", "to_default", "to_value", "to_own")}
seats = IdSet(Seat, owner="team", member="person")
teams_of = IdSet(Seat, owner="person", member="team")
tickets_of = IdList(Ticket, owner="team", newest=5)
remarks_on = IdList(Remark, owner="object_id", newest=5)
loves = EdgeValue(Fan, owner="person", member="team", value="love")
