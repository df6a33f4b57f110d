"""The JSON shapes of input to accounts and states."""

from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import models
from django.utils import timezone
from rest_framework import serializers

from api.inputs import StrictSerializer, Text
from api.links import validate_link
from users.models import User, UserState
from users.projections import PRIVATE

WRITABLE = ("nickname", "avatar", "bio", "gender", "country", "city", "language", *PRIVATE)
PASSWORD_LENGTH = 128


class _StrictModelSerializer(StrictSerializer, serializers.ModelSerializer):
    serializer_field_mapping = {**serializers.ModelSerializer.serializer_field_mapping, models.CharField: Text}


class RegistrationInput(_StrictModelSerializer):
    """The account to create; the nickname is empty by default."""

    password = Text(max_length=PASSWORD_LENGTH, trim_whitespace=False, write_only=True)

    class Meta:
        model = User
        fields = ("username", "password", "nickname")
        extra_kwargs = {"username": {"required": True, "trim_whitespace": False, "min_length": 3}}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        unsaved = User(username=attrs["username"], nickname=attrs.get("nickname", ""))
        try:
            validate_password(attrs["password"], unsaved)
        except DjangoValidationError as error:
            raise serializers.ValidationError({"password": error.messages}) from None
        return attrs


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
