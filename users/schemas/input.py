"""The JSON shapes of input to accounts and states."""

from typing import Any

from django.db import models
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from api.inputs import EmailLine, Line, Multiline, StrictSerializer, Text, URLLine
from api.links import validate_link
from api.model_fields import EmailLineField, LineField, MultilineField, URLLineField
from api.schema import example
from users import passwords
from users.birthdays import validate_birthday
from users.models import User, UserState
from users.password_changes import WeakPassword, check_strength
from users.usernames import is_reserved

USERNAME_TAKEN = "This username is taken."
WRITABLE = ("nickname", "avatar", "bio", "gender", "country", "city", "language", "phone", "birthday")


class NewPassword(Text):
    """A field for a password to be set; it returns the normalised password."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=passwords.PASSWORD_LENGTH, trim_whitespace=False, write_only=True, **options)

    def to_internal_value(self, data: Any) -> str:
        return passwords.normalize(super().to_internal_value(data))


def weak_password(field: str, messages: list[str]) -> serializers.ValidationError:
    """Return the 400 for a password that the validators refuse."""
    return serializers.ValidationError({field: messages}, "weak_password")


def username_taken() -> serializers.ValidationError:
    """Return the 400 for a username that another account has."""
    return serializers.ValidationError({"username": [USERNAME_TAKEN]}, "username_taken")


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
            raise serializers.ValidationError(USERNAME_TAKEN, "username_taken")
        return value

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Return the account; raise all that is wrong with it, the password as far as it can be judged, at once."""
        try:
            account: dict[str, Any] = super().to_internal_value(data)
        except serializers.ValidationError as error:
            detail: Any = error.detail
            if isinstance(data, dict) and isinstance(data.get("password"), str) and "password" not in detail:
                detail |= _weakness(data)
            raise serializers.ValidationError(detail) from None
        if weakness := _weakness(account):
            raise serializers.ValidationError(weakness)
        return account


def _weakness(account: dict[str, Any]) -> dict[str, Any]:
    """Return {"password": …} with what the validators say against the password of a new account, or nothing."""
    names = {name: text for name in ("username", "nickname") if isinstance(text := account.get(name), str)}
    try:
        check_strength(passwords.normalize(account["password"]), User(**names))
    except WeakPassword as error:
        return {"password": [ErrorDetail(message, "weak_password") for message in error.messages]}
    return {}


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
        if value:
            validate_birthday(value)
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


@example({"email": "ann@example.com", "password": "correct-horse-battery"})
class EmailInput(StrictSerializer):
    """The new mail address of the account, and its password."""

    email = EmailLine(max_length=254)
    password = Text(max_length=passwords.LONGEST_TYPED, trim_whitespace=False)


@example({"token": "bq5x7r-9c3e1f"})
class EmailConfirmInput(StrictSerializer):
    """The token from the mail."""

    token = Text(max_length=1024)


@example({"password": "correct-horse-battery"})
class DeletionInput(StrictSerializer):
    """The password of the account that is to be deleted."""

    password = Text(max_length=passwords.LONGEST_TYPED, trim_whitespace=False)


@example({"email": "ann@example.com"})
class ResetInput(StrictSerializer):
    """The mail address of the accounts to reset."""

    email = EmailLine(max_length=254)


@example({"token": "bq5x7r-9c3e1f", "password": "staple-a-second-horse"})
class ResetConfirmInput(StrictSerializer):
    """The token from the mail, and the password to set."""

    token = Text(max_length=1024)
    password = NewPassword()
