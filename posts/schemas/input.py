"""The JSON shapes of input."""

from typing import Any

from rest_framework.exceptions import ValidationError

from api.ids import LARGEST
from api.inputs import Integer, Multiline, StrictSerializer
from api.schema import example
from posts.models import COMMENT_LENGTH, TEXT_LENGTH


@example({"text": "Good morning!"})
class PostInput(StrictSerializer):
    """The post to create; `repost_of` is the id of the post to repost, with which `text` may be left out or empty."""

    text = Multiline(max_length=TEXT_LENGTH, required=False, allow_blank=True)
    repost_of = Integer(min_value=1, max_value=LARGEST, required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Raise ValidationError for a post without a text that reposts nothing."""
        if not attrs.setdefault("text", "") and attrs.get("repost_of") is None:
            raise ValidationError({"text": ["Give a text, or repost_of."]})
        return attrs


@example({"text": "Good morning to you, too."})
class CommentInput(StrictSerializer):
    """The comment to add to a post."""

    text = Multiline(max_length=COMMENT_LENGTH)
