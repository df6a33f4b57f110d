"""The JSON shapes of input."""

from rest_framework import serializers

from api.ids import LARGEST
from api.inputs import Integer, StrictMixin, Text
from posts.models import COMMENT_LENGTH, TEXT_LENGTH


class PostInput(StrictMixin, serializers.Serializer):
    text = Text(max_length=TEXT_LENGTH)
    repost_of = Integer(min_value=1, max_value=LARGEST, required=False, allow_null=True)


class CommentInput(StrictMixin, serializers.Serializer):
    text = Text(max_length=COMMENT_LENGTH)
