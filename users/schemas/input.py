"""The JSON shapes of input to accounts and states."""

from typing import Any

from django.core.validators import validate_email
from django.db import models
from django.utils import timezone
from rest_framework import serializers

from api.inputs import StrictSerializer, Text
from api.problems import Problem, bad_input
from users.models import User, UserState
from users.passwords import WeakPassword, check_strength
from users.projections import PRIVATE

WRITABLE = ("nickname", "avatar", "bio", "gender", "country", "city", "language", *PRIVATE)
PASSWORD_LENGTH = 128


def weak_password(field: str, messages: list[str]) -> Problem:
    """Return the 400 for a password that the validators refuse."""
    return Problem(400, "weak_password", f"{field}: {messages[0]}", errors={field: messages})


def username_taken() -> Problem:
    """Return the 400 for a username that another account has."""
    return bad_input("username", "This username is taken.", "username_taken")


class _StrictModelSerializer(StrictSerializer, serializers.ModelSerializer):
    serializer_field_mapping = {**serializers.ModelSerializer.serializer_field_mapping, models.CharField: Text}


class RegistrationInput(_StrictModelSerializer):
    """The account to create; the nickname is empty by default."""

    password = Text(max_length=PASSWORD_LENGTH, trim_whitespace=False, write_only=True)

    class Meta:
        model = User
        fields = ("username", "password", "nickname")
        # Without the validator for unique columns, whose refusal would have no code of its own.
        rules = User._meta.get_field("username").validators
        extra_kwargs = {"username": {"required": True, "trim_whitespace": False, "min_length": 3, "validators": rules}}

    def validate_username(self, value: str) -> str:
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


class ProfileInput(_StrictModelSerializer):
    """The fields of the profile to change; the other fields keep their values."""

    class Meta:
        model = User
        fields = WRITABLE

    def validate_birthday(self, value: Any) -> Any:
        if value and not 1900 <= value.year <= timezone.now().year:
            raise serializers.ValidationError("A birthday is a past date since 1900.")
        return value


class StateInput(_StrictModelSerializer):
    """The state to set; without `status` or `message`, the field keeps its value."""

    class Meta:
        model = UserState
        fields = ("status", "message")


class LoginInput(StrictSerializer):
    """The username and password of an account."""

    username = Text(max_length=150)
    password = Text(max_length=1024, trim_whitespace=False)


class RefreshInput(StrictSerializer):
    """The refresh token from a login."""

    refresh = Text(max_length=4096)


class PasswordChangeInput(StrictSerializer):
    """The password of the account, and the one to replace it."""

    old = Text(max_length=1024, trim_whitespace=False)
    new = Text(max_length=PASSWORD_LENGTH, trim_whitespace=False)


class ResetInput(StrictSerializer):
    """The mail address of the accounts to reset."""

    email = Text(max_length=254, validators=[validate_email])


class ResetConfirmInput(StrictSerializer):
    """The token from the mail, and the password to set."""

    token = Text(max_length=1024)
    password = Text(max_length=PASSWORD_LENGTH, trim_whitespace=False)
