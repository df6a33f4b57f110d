"""The shapes of what is answered about users, for the schema alone: answers are made from cached columns directly."""

from django.db import models
from rest_framework import serializers

from api.schema import page_of
from users.models import User, UserState
from users.projections import OWN, PUBLIC, STATE


class _Answer(serializers.ModelSerializer):
    # What is not filled in is "", which is neither a URL nor an address.
    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.URLField: serializers.CharField,
        models.EmailField: serializers.CharField,
    }


class PublicUser(_Answer):
    class Meta:
        model = User
        fields = read_only_fields = PUBLIC


class OwnUser(_Answer):
    class Meta:
        model = User
        fields = read_only_fields = OWN


class UserFields(_Answer):
    """A user: all public fields, or those that were asked for."""

    id = serializers.IntegerField(required=False)
    created_at = serializers.DateTimeField(required=False)
    username = serializers.CharField(required=False)

    class Meta:
        model = User
        fields = OWN


class UsersFound(serializers.Serializer):
    """`missing` names the unknown ids, where ids were asked for."""

    results = UserFields(many=True, read_only=True)
    missing = serializers.ListField(child=serializers.IntegerField(), required=False)


class State(serializers.ModelSerializer):
    id = serializers.IntegerField(read_only=True)

    class Meta:
        model = UserState
        fields = read_only_fields = STATE


class Tokens(serializers.Serializer):
    access = serializers.CharField(read_only=True)
    refresh = serializers.CharField(read_only=True)


class Access(serializers.Serializer):
    access = serializers.CharField(read_only=True)


UserPage = page_of(PublicUser, "UserPage")
