"""The JSON shapes of input to accounts and states."""

from typing import Any

from django.db import models
from django.utils import timezone
from rest_framework import serializers

from api.inputs import EmailLine, Line, Multiline, StrictSerializer, Text, URLLine
from api.links import validate_link
from api.model_fields import EmailLineField, LineField, MultilineField, URLLineField
from api.problems import Problem, bad_input
from api.schema import example
from users import passwords
from users.models import User, UserState
from users.password_changes import WeakPassword, check_strength
from users.projections import PRIVATE
from users.usernames import is_reserved

WRITABLE = ("nickname", "avatar", "bio", "gender", "country", "city", "language", *PRIVATE)


class NewPassword(Text):
    """A field for a password to be set; it returns the normalised password."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=passwords.PASSWORD_LENGTH, trim_whitespace=False, write_only=True, **options)

    def to_internal_value(self, data: Any) -> str:
        return passwords.normalize(super().to_internal_value(data))


def weak_password(field: str, messages: list[str]) -> Problem:
    """Return the 400 for a password that the validators refuse."""
    return Problem(400, "weak_password", f"{field}: {messages[0]}", errors={field: messages})


def username_taken() -> Problem:
    """Return the 400 for a username that another account has."""
    return bad_input("username", "This username is taken.", "username_taken")


class _StrictModelSerializer(StrictSerializer, serializers.ModelSerializer):
    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.CharField: Text,
        LineField: Line,
        MultilineField: Multiline,
        EmailLineField: EmailLine,
        URLLineField: URLLine,
    }


@example({"username": "ann", "password": "correct-horse-battery", "nickname": "Ann"})
class RegistrationInput(_StrictModelSerializer):
    """The account to create; the nickname is empty by default."""

    password = NewPassword()

    class Meta:
        model = User
        fields = ("username", "password", "nickname")
        # Without the validator for unique columns, whose refusal would have no code of its own.
        rules = User._meta.get_field("username").validators
        extra_kwargs = {"username": {"required": True, "trim_whitespace": False, "min_length": 3, "validators": rules}}

    def validate_username(self, value: str) -> str:
        if is_reserved(value):
            raise serializers.ValidationError("This username is reserved.")
        if User.objects.filter(username=value).exists():
            raise username_taken()
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        unsaved = User(username=attrs["username"], nickname=attrs.get("nickname", ""))
        try:
            check_strength(attrs["password"], unsaved)
        except WeakPassword as error:
            raise weak_password("password", error.messages) from None
        return attrs


@example({"nickname": "Ann", "gender": "", "city": "Wellington", "birthday": None})
class ProfileInput(_StrictModelSerializer):
    """The fields of the profile to change; the other fields keep their values."""

    class Meta:
        model = User
        fields = WRITABLE

    def validate_avatar(self, value: str) -> str:
        if value:
            validate_link(value)
        return value

    def validate_birthday(self, value: Any) -> Any:
        if value and not 1900 <= value.year <= timezone.now().year:
            raise serializers.ValidationError("A birthday is a past date since 1900.")
        return value


@example({"status": "online", "message": "In the library"})
class StateInput(_StrictModelSerializer):
    """The state to set; without `status` or `message`, the field keeps its value."""

    class Meta:
        model = UserState
        fields = ("status", "message")


@example({"username": "ann", "password": "correct-horse-battery"})
class LoginInput(StrictSerializer):
    """The username and password of an account."""

    username = Text(max_length=150)
    password = Text(max_length=passwords.LONGEST_TYPED, trim_whitespace=False)


@example({"refresh": "eyJhbGciOiJIUzI1NiJ9.eyJ0eXBlIjoiciJ9.c2ln"})
class RefreshInput(StrictSerializer):
    """The refresh token from a login."""

    refresh = Text(max_length=4096)


@example({"old": "correct-horse-battery", "new": "staple-a-second-horse"})
class PasswordChangeInput(StrictSerializer):
    """The password of the account, and the one to replace it."""

    old = Text(max_length=passwords.LONGEST_TYPED, trim_whitespace=False)
    new = NewPassword()


@example({"email": "ann@example.com"})
class ResetInput(StrictSerializer):
    """The mail address of the accounts to reset."""

    email = EmailLine(max_length=254)


@example({"token": "bq5x7r-9c3e1f", "password": "staple-a-second-horse"})
class ResetConfirmInput(StrictSerializer):
    """The token from the mail, and the password to set."""

    token = Text(max_length=1024)
    password = NewPassword()
