"""The JSON shapes of input."""

from api.ids import LARGEST
from api.inputs import Integer, Multiline, StrictSerializer
from api.schema import example
from posts.models import COMMENT_LENGTH, TEXT_LENGTH


@example({"text": "Good morning!"})
class PostInput(StrictSerializer):
    """The post to create; `repost_of` is the id of the post to repost."""

    text = Multiline(max_length=TEXT_LENGTH)
    repost_of = Integer(min_value=1, max_value=LARGEST, required=False, allow_null=True)


@example({"text": "Good morning to you, too."})
class CommentInput(StrictSerializer):
    """The comment to add to a post."""

    text = Multiline(max_length=COMMENT_LENGTH)
