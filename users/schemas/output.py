"""The JSON shapes of answers about users, for the OpenAPI schema only: answers are made from cached columns."""

from django.db import models
from rest_framework import serializers

from api.schema import example, example_of, page_of
from users.models import Login, User, UserState
from users.projections import OWN, PUBLIC, STATE


class _Answer(serializers.ModelSerializer):
    # An empty field is "", which is neither a valid URL nor a valid address.
    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.URLField: serializers.CharField,
        models.EmailField: serializers.CharField,
    }


@example(
    {
        "id": 7,
        "username": "ann",
        "nickname": "Ann",
        "avatar": "https://cdn.example.com/ann.png",
        "bio": "Reads, runs, rates.",
        "gender": "",
        "country": "NZ",
        "city": "Wellington",
        "language": "en",
        "level": 1,
        "is_vip": False,
        "created_at": "2026-05-04T08:29:00.000000Z",
    }
)
class PublicUser(_Answer):
    """A user with the fields that all users may see."""

    class Meta:
        model = User
        fields: tuple[str, ...] = PUBLIC
        read_only_fields = fields


@example({**example_of(PublicUser), "email": "ann@example.com", "phone": "", "birthday": None})
class OwnUser(_Answer):
    """The caller's own user, with its private fields."""

    class Meta:
        model = User
        fields = read_only_fields = OWN


@example(example_of(PublicUser))
class UserFields(_Answer):
    """A user: all public fields, or the requested ones."""

    id = serializers.IntegerField(required=False)
    created_at = serializers.DateTimeField(required=False)
    username = serializers.CharField(required=False)

    class Meta:
        model = User
        fields = OWN


@example({"results": [example_of(PublicUser)], "missing": [1, 2]})
class UsersFound(serializers.Serializer):
    """`missing` lists the unknown ids of a request by ids."""

    results = UserFields(many=True, read_only=True)
    missing = serializers.ListField(child=serializers.IntegerField(), required=False)


@example({"id": 7, "status": "online", "message": "In the library", "last_seen_at": "2026-05-04T08:30:00.000000Z"})
class State(serializers.ModelSerializer):
    """The presence of the user `id`; `last_seen_at` is null for a user who was never seen."""

    id = serializers.IntegerField(read_only=True)

    class Meta:
        model = UserState
        fields = read_only_fields = STATE


@example(
    {"access": "eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyX2lkIjo3fQ.c2ln", "refresh": "eyJhbGciOiJIUzI1NiJ9.eyJ0eXBlIjoiciJ9.c2ln"}
)
class Tokens(serializers.Serializer):
    """The tokens of a login: `access` is sent with requests, `refresh` gets further access tokens."""

    access = serializers.CharField(read_only=True)
    refresh = serializers.CharField(read_only=True)


@example(
    {
        "id": 5,
        "created_at": "2026-05-04T08:29:00.000000Z",
        "last_used_at": "2026-05-04T08:29:00.000000Z",
        "user_agent": "Hotpath/3.2.0 (iOS 19.1)",
        "current": True,
    }
)
class Session(serializers.ModelSerializer):
    """A login on one device; `current` tells whether the caller's token belongs to it."""

    id = serializers.IntegerField(read_only=True)
    current = serializers.BooleanField(read_only=True)

    class Meta:
        model = Login
        fields: tuple[str, ...] = ("id", "created_at", "last_used_at", "user_agent", "current")
        read_only_fields = fields


@example({"results": [example_of(Session)]})
class Sessions(serializers.Serializer):
    """The logins of the caller that are not over, the last used one first."""

    results = Session(many=True, read_only=True)


@example({"username": "ann", "email": "ann@example.com"})
class EmailConfirmed(serializers.Serializer):
    """The account, and the mail address that it has now."""

    username = serializers.CharField(read_only=True)
    email = serializers.CharField(read_only=True)


@example({"email": "ann@example.com"})
class ResetRequested(serializers.Serializer):
    """The mail address as it was sent, whether an account has it or not."""

    email = serializers.CharField(read_only=True)


@example({"username": "ann"})
class ResetAccount(serializers.Serializer):
    """The account whose password was set, to log in to."""

    username = serializers.CharField(read_only=True)


UserPage = page_of(PublicUser, "UserPage", "users/7/followers")
