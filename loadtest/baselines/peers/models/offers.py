"""What is rated, and popups."""

from django.db import models
from django.utils import timezone

from loadtest.baselines.peers.models.people import Table, User


class Item(Table):
    """Something that users rate."""

    title = models.CharField(max_length=200)
    description = models.TextField()

    class Meta(Table.Meta):
        db_table = "ratings_item"


class Score(Table):
    """The score of a user for an item."""

    user = models.ForeignKey(User, models.DO_NOTHING, related_name="+")
    item = models.ForeignKey(Item, models.DO_NOTHING, related_name="+")
    score = models.PositiveSmallIntegerField()

    class Meta(Table.Meta):
        db_table = "ratings_score"


class Popup(Table):
    """A popup; of its conditions those that every popup of the benchmark has."""

    title = models.CharField(max_length=200)
    body = models.TextField()
    image = models.CharField(max_length=500)
    link = models.CharField(max_length=500)
    placement = models.CharField(max_length=64)
    priority = models.IntegerField()
    is_active = models.BooleanField()
    reshow_hours = models.FloatField()
    click_cooldown_hours = models.FloatField()

    class Meta(Table.Meta):
        db_table = "popups_popup"


class UserPopup(Table):
    """When a user was shown a popup, and clicked it."""

    user = models.ForeignKey(User, models.DO_NOTHING, related_name="+")
    popup = models.ForeignKey(Popup, models.DO_NOTHING, related_name="+")
    shown = models.PositiveIntegerField(default=0)
    clicked = models.PositiveIntegerField(default=0)
    dismissed = models.PositiveIntegerField(default=0)
    last_claim = models.CharField(max_length=24, default="")
    last_shown_at = models.DateTimeField(null=True)
    last_clicked_at = models.DateTimeField(null=True)
    last_dismissed_at = models.DateTimeField(null=True)

    class Meta(Table.Meta):
        db_table = "popups_userpopup"


class Event(Table):
    """A showing, a click or a dismissal."""

    type = models.CharField(max_length=8)
    popup = models.ForeignKey(Popup, models.DO_NOTHING, related_name="+")
    user = models.ForeignKey(User, models.DO_NOTHING, related_name="+")
    claim = models.CharField(max_length=24)
    stream_id = models.CharField(max_length=64)
    at = models.DateTimeField(default=timezone.now)

    class Meta(Table.Meta):
        db_table = "popups_event"
