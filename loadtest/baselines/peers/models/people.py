"""Users, their states, the edges between them, and counters."""

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
from django.utils import timezone


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
