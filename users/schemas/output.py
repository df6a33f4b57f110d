"""The JSON shapes of answers about users, for the OpenAPI schema only: answers are made from cached columns."""

from django.db import models
from rest_framework import serializers

from api.schema import page_of
from users.models import Login, User, UserState
from users.projections import OWN, PUBLIC, STATE


class _Answer(serializers.ModelSerializer):
    # An empty field is "", which is neither a valid URL nor a valid address.
    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.URLField: serializers.CharField,
        models.EmailField: serializers.CharField,
    }


class PublicUser(_Answer):
    """A user with the fields that all users may see."""

    class Meta:
        model = User
        fields: tuple[str, ...] = PUBLIC
        read_only_fields = fields


class OwnUser(_Answer):
    """The caller's own user, with its private fields."""

    class Meta:
        model = User
        fields = read_only_fields = OWN


class UserFields(_Answer):
    """A user: all public fields, or the requested ones."""

    id = serializers.IntegerField(required=False)
    created_at = serializers.DateTimeField(required=False)
    username = serializers.CharField(required=False)

    class Meta:
        model = User
        fields = OWN


class UsersFound(serializers.Serializer):
    """`missing` lists the unknown ids of a request by ids."""

    results = UserFields(many=True, read_only=True)
    missing = serializers.ListField(child=serializers.IntegerField(), required=False)


class State(serializers.ModelSerializer):
    """The presence of the user `id`; `last_seen_at` is null for a user who was never seen."""

    id = serializers.IntegerField(read_only=True)

    class Meta:
        model = UserState
        fields = read_only_fields = STATE


class Tokens(serializers.Serializer):
    """The tokens of a login: `access` is sent with requests, `refresh` gets further access tokens."""

    access = serializers.CharField(read_only=True)
    refresh = serializers.CharField(read_only=True)


class Session(serializers.ModelSerializer):
    """A login on one device; `current` tells whether the caller's token belongs to it."""

    id = serializers.IntegerField(read_only=True)
    current = serializers.BooleanField(read_only=True)

    class Meta:
        model = Login
        fields: tuple[str, ...] = ("id", "created_at", "last_used_at", "user_agent", "current")
        read_only_fields = fields


class Sessions(serializers.Serializer):
    """The logins of the caller that are not over, the last used one first."""

    results = Session(many=True, read_only=True)


class EmailConfirmed(serializers.Serializer):
    """The account, and the mail address that it has now."""

    username = serializers.CharField(read_only=True)
    email = serializers.CharField(read_only=True)


class ResetRequested(serializers.Serializer):
    """The mail address as it was sent, whether an account has it or not."""

    email = serializers.CharField(read_only=True)


class ResetAccount(serializers.Serializer):
    """The account whose password was set, to log in to."""

    username = serializers.CharField(read_only=True)


UserPage = page_of(PublicUser, "UserPage")
