"""Popup configs, the events of popups, their counts by user and by day, and the shards of users.

The staff edits configs. `drain_popup_events` alone writes the other tables, except `Unrecorded`, `ShardLayout` (which
`shard_popups` writes) and the quotas of `Quota`.
"""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from api.model_fields import LineField, MultilineField, URLLineField
from popups import rules
from users.models import User

CLAIM_LENGTH, STREAM_ID_LENGTH = 24, 64
LIST_LENGTH, VERSION_LENGTH = 500, 32


class Vip(models.TextChoices):
    """The users whom a popup is shown to, by their VIP status."""

    ANYBODY = "", "everybody"
    ONLY = "only", "VIPs only"
    NEVER = "never", "all but VIPs"


class Popup(models.Model):
    """A popup config. An empty condition admits every user. Lists are separated by commas."""

    id = models.BigAutoField(primary_key=True)
    title = LineField(max_length=200, default="", db_default="")
    body = MultilineField(max_length=2_000, blank=True, default="", db_default="")
    image = URLLineField(max_length=500, blank=True, default="", db_default="")
    link = LineField(
        max_length=500, blank=True, default="", db_default="",
        help_text="Where a tap leads: an address of the web or of the app (https://…, app://…).",
    )  # fmt: skip
    placement = models.CharField(max_length=rules.SLUG_LENGTH, default="home", db_default="home")
    priority = models.IntegerField(default=0, db_default=0, help_text="The greatest wins; then the smallest id.")
    starts_at = models.DateTimeField(default=timezone.now, db_default=Now())
    ends_at = models.DateTimeField(null=True, blank=True, default=None, help_text="Empty: it does not end.")
    is_active = models.BooleanField(default=True, db_default=True)

    countries = models.CharField(
        max_length=LIST_LENGTH, blank=True, default="", db_default="", help_text="Such as CN, US. Empty: all."
    )
    languages = models.CharField(
        max_length=LIST_LENGTH, blank=True, default="", db_default="",
        help_text="Such as zh, en-US; zh means zh-CN as well. Empty: all.",
    )  # fmt: skip
    platforms = models.CharField(
        max_length=LIST_LENGTH, blank=True, default="", db_default="", help_text="Such as ios, android. Empty: all."
    )
    min_version = models.CharField(max_length=VERSION_LENGTH, blank=True, default="", db_default="")
    max_version = models.CharField(
        max_length=VERSION_LENGTH, blank=True, default="", db_default="", help_text="This one is still admitted."
    )
    min_level = models.PositiveIntegerField(null=True, blank=True, default=None)
    max_level = models.PositiveIntegerField(null=True, blank=True, default=None)
    vip = models.CharField(max_length=8, blank=True, default=Vip.ANYBODY, db_default="", choices=Vip.choices)
    percentage = models.PositiveSmallIntegerField(
        default=100, db_default=100, help_text="Share of users, always the same ones; more of them when it grows."
    )

    user_cap = models.PositiveIntegerField(
        null=True, blank=True, default=None, help_text="How often one user is shown it, at most. Empty: no cap."
    )
    total_cap = models.PositiveIntegerField(
        null=True, blank=True, default=None, help_text="How often it is shown to all users together, at most."
    )
    reshow_hours = models.FloatField(default=24, db_default=24, help_text="From a showing to the next, for one user.")
    click_cooldown_hours = models.FloatField(
        default=168, db_default=168, help_text="From a click to the next showing, for one user."
    )
    created_at = models.DateTimeField(default=timezone.now, db_default=Now(), editable=False)

    def __str__(self) -> str:
        return f"{self.pk}: {self.title[:40]}"

    def clean(self) -> None:
        rules.normalize(self)
        links = rules.find_link_problems(self, settings.POPUP_LINK_SCHEMES)
        if problems := {**links, **rules.find_problems(self)}:
            raise ValidationError(problems)


class Pacing(models.Model):
    """The settings of all popups together, in one row, which exists once the staff has opened or changed it."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    quiet_seconds = models.PositiveIntegerField(
        "global quiet time (seconds)", default=0, db_default=0,
        help_text="After any popup a user is shown none for so long, on whatever device and placement.",
    )  # fmt: skip

    class Meta:
        verbose_name = verbose_name_plural = "global quiet time"

    def __str__(self) -> str:
        return f"{self.quiet_seconds} s between two popups of a user"


class Event(models.Model):
    """A showing, a click or a dismissal of a popup. `claim` identifies the showing; `at` is by the clock of Redis."""

    class Type(models.TextChoices):
        """What happened: the popup was shown, clicked or dismissed."""

        SHOWN = "shown"
        CLICK = "click"
        DISMISS = "dismiss"

    id = models.BigAutoField(primary_key=True)
    type = models.CharField(max_length=8, choices=Type.choices)
    popup = models.ForeignKey(Popup, models.PROTECT, related_name="+")
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    claim = models.CharField(max_length=CLAIM_LENGTH)
    stream_id = models.CharField(max_length=STREAM_ID_LENGTH, unique=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["claim", "type"], name="popups_event_once")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.type} {self.popup_id}"


class UserPopup(models.Model):
    """The events of one user and one popup, counted.

    `last_claim` is the claim of the last showing; the times of click and dismissal belong to this claim.
    """

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    popup = models.ForeignKey(Popup, models.PROTECT, related_name="+")
    shown = models.PositiveIntegerField(default=0, db_default=0)
    clicked = models.PositiveIntegerField(default=0, db_default=0)
    dismissed = models.PositiveIntegerField(default=0, db_default=0)
    last_claim = models.CharField(max_length=CLAIM_LENGTH, default="", db_default="")
    last_shown_at = models.DateTimeField(null=True, default=None)
    last_clicked_at = models.DateTimeField(null=True, default=None)
    last_dismissed_at = models.DateTimeField(null=True, default=None)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "popup"], name="popups_userpopup_pair")]

    def __str__(self) -> str:
        return f"{self.user_id} was shown {self.popup_id} {self.shown} times"


class Day(models.Model):
    """The events of a popup on one day (UTC), counted; kept when users are deleted, so that total caps still hold."""

    id = models.BigAutoField(primary_key=True)
    popup = models.ForeignKey(Popup, models.PROTECT, related_name="+", db_index=False)
    day = models.DateField()
    shown = models.PositiveBigIntegerField(default=0, db_default=0)
    clicked = models.PositiveBigIntegerField(default=0, db_default=0)
    dismissed = models.PositiveBigIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["popup", "day"], name="popups_day_once")]

    def __str__(self) -> str:
        return f"{self.popup_id} on {self.day}"


class Unrecorded(models.Model):
    """How many events could not be recorded on one day (UTC), by reason."""

    class Reason(models.TextChoices):
        """Why events could not be recorded."""

        REDIS = "redis", "entries that were due a popup and got none: Redis away"
        FULL = "full", "entries that were due a popup and got none: the stream of events full"
        EVENTS = "events", "clicks and dismissals refused with 503: Redis away or the stream full"
        MOVED = "moved", "entries that were due a popup and got none: the shards of users being changed"
        REPLICA = "replica", "entries that were due a popup and got none: no replica had the claim in time"
        GONE = "gone", "events of users or popups deleted meanwhile"
        MALFORMED = "malformed", "events that could not be read"

    id = models.BigAutoField(primary_key=True)
    day = models.DateField()
    reason = models.CharField(max_length=12, choices=Reason.choices)
    times = models.PositiveBigIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["day", "reason"], name="popups_unrecorded_once")]
        verbose_name_plural = "unrecorded"

    def __str__(self) -> str:
        return f"{self.day}: {self.times} {self.get_reason_display()}"


class ShardLayout(models.Model):
    """A division of users among shards, by number; the newest that was opened is in use. Before the first: one shard.

    `token` identifies the command that is changing to it, and `opened_at` is empty until it has.
    """

    number = models.PositiveIntegerField(primary_key=True)
    shards = models.PositiveSmallIntegerField()
    token = models.CharField(max_length=16, default="", db_default="")
    opened_at = models.DateTimeField(null=True, default=None)

    def __str__(self) -> str:
        return f"layout {self.number}: {self.shards} shards"


class Quota(models.Model):
    """What one of several shards may show of a popup: `granted` of its total cap, of which `shown` are in the table.

    `cap`: the total cap that `granted` is a part of; None if the shard may have shown more meanwhile, without a cap.
    `revision` grows with each change of `granted`.
    """

    id = models.BigAutoField(primary_key=True)
    popup = models.ForeignKey(Popup, models.CASCADE, related_name="+", db_index=False)
    layout = models.PositiveIntegerField()
    shard = models.PositiveSmallIntegerField()
    granted = models.PositiveBigIntegerField(default=0, db_default=0)
    cap = models.PositiveIntegerField(null=True, default=None)
    revision = models.PositiveBigIntegerField(default=0, db_default=0)
    shown = models.PositiveBigIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["popup", "layout", "shard"], name="popups_quota_once")]

    def __str__(self) -> str:
        return f"shard {self.shard} may show popup {self.popup_id} {self.granted} times"
