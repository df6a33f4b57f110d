"""The shapes of what may be written."""

from rest_framework import serializers

from api.ids import LARGEST
from api.inputs import StrictMixin, Text
from posts.models import COMMENT_LENGTH, TEXT_LENGTH


class _Id(serializers.IntegerField):
    """A JSON integer; neither text nor a boolean nor a fraction is turned into one."""

    def to_internal_value(self, data: object) -> int:
        if type(data) is not int:
            self.fail("invalid")
        return super().to_internal_value(data)


class PostInput(StrictMixin, serializers.Serializer):
    text = Text(max_length=TEXT_LENGTH)
    repost_of = _Id(min_value=1, max_value=LARGEST, required=False, allow_null=True)


class CommentInput(StrictMixin, serializers.Serializer):
    text = Text(max_length=COMMENT_LENGTH)
