"""The tables that a session needs, as plain models; the migrations of the project make them."""

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
from django.utils import timezone

SHOWN = 0  # the state of a post that is neither hidden nor being deleted


class Table(models.Model):
    """A table of the project."""

    id = models.BigAutoField(primary_key=True)
    objects: ClassVar = models.Manager()

    class Meta:
        abstract = True
        managed = False

    def __str__(self) -> str:
        return str(self.pk)


class User(AbstractBaseUser):
    """An account."""

    id = models.BigAutoField(primary_key=True)
    username = models.CharField(max_length=150, unique=True)
    nickname = models.CharField(max_length=64)
    avatar = models.CharField(max_length=500)
    bio = models.CharField(max_length=500)
    gender = models.CharField(max_length=10)
    country = models.CharField(max_length=64)
    city = models.CharField(max_length=64)
    language = models.CharField(max_length=16)
    level = models.PositiveIntegerField()
    is_vip = models.BooleanField()
    created_at = models.DateTimeField()
    email = models.CharField(max_length=254)
    phone = models.CharField(max_length=24)
    birthday = models.DateField(null=True)
    is_active = models.BooleanField()
    USERNAME_FIELD = "username"
    objects: ClassVar = models.Manager()

    class Meta:
        managed = False
        db_table = "users_user"


class UserState(models.Model):
    """The presence of a user."""

    user = models.OneToOneField(User, models.DO_NOTHING, primary_key=True, related_name="state")
    status = models.CharField(max_length=10)
    message = models.CharField(max_length=140)
    last_seen_at = models.DateTimeField(null=True)
    objects: ClassVar = models.Manager()

    class Meta:
        managed = False
        db_table = "users_userstate"

    def __str__(self) -> str:
        return str(self.pk)


class Counter(Table):
    """A counter of a user, a post or a rated item."""

    kind = models.CharField(max_length=32)
    target_id = models.BigIntegerField()
    name = models.CharField(max_length=32)
    value = models.BigIntegerField()
    last_delta_id = models.BigIntegerField(default=0)

    class Meta(Table.Meta):
        db_table = "counters_counter"


class Follow(Table):
    """`follower` follows `followee`."""

    follower = models.ForeignKey(User, models.DO_NOTHING, related_name="+")
    followee = models.ForeignKey(User, models.DO_NOTHING, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta(Table.Meta):
        db_table = "social_follow"


class Block(Table):
    """Neither of the two users sees the other."""

    blocker = models.ForeignKey(User, models.DO_NOTHING, related_name="+")
    blocked = models.ForeignKey(User, models.DO_NOTHING, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta(Table.Meta):
        db_table = "social_block"


class Post(Table):
    """A post, or a repost of another one."""

    author = models.ForeignKey(User, models.DO_NOTHING, related_name="+")
    text = models.TextField()
    repost_of = models.ForeignKey("self", models.DO_NOTHING, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    state = models.PositiveSmallIntegerField(default=SHOWN)

    class Meta(Table.Meta):
        db_table = "posts_post"


class Comment(Table):
    """A comment of a user on a post."""

    post = models.ForeignKey(Post, models.DO_NOTHING, related_name="+")
    author = models.ForeignKey(User, models.DO_NOTHING, related_name="+")
    text = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta(Table.Meta):
        db_table = "posts_comment"


class Mark(Table):
    """What a user has added to a post."""

    user = models.ForeignKey(User, models.DO_NOTHING, related_name="+")
    post = models.ForeignKey(Post, models.DO_NOTHING, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta(Table.Meta):
        abstract = True


class Like(Mark):
    """A like of a user for a post."""

    class Meta(Table.Meta):
        db_table = "posts_like"


class Favorite(Mark):
    """A post among the user's favourites."""

    class Meta(Table.Meta):
        db_table = "posts_favorite"


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
