"""The JSON shapes of input."""

from api.inputs import Integer, Line, Multiline, StrictSerializer
from api.schema import example
from ratings.models import DESCRIPTION_LENGTH, HIGHEST, LOWEST, TITLE_LENGTH


@example({"title": "The Seventh Seal", "description": "A film by Ingmar Bergman, 1957."})
class ItemInput(StrictSerializer):
    """The item to create, without a score at first."""

    title = Line(max_length=TITLE_LENGTH)
    description = Multiline(max_length=DESCRIPTION_LENGTH, required=False, allow_blank=True)


@example({"score": 9})
class ScoreInput(StrictSerializer):
    """The caller's score of an item."""

    score = Integer(min_value=LOWEST, max_value=HIGHEST)
