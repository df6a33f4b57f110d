"""The shapes of the output of popups over HTTP, for the OpenAPI schema alone."""

from rest_framework import serializers

from api.schema import example, example_of


@example(
    {
        "id": 3,
        "title": "Summer is here",
        "body": "See what is new.",
        "image": "https://cdn.example.com/summer.png",
        "link": "app://news/3",
        "claim": "p3c1f0sVb6m2",
    }
)
class Shown(serializers.Serializer):
    """The popup to show. `claim` is to be sent back with the user's click or dismissal."""

    id = serializers.IntegerField(read_only=True)
    title = serializers.CharField(read_only=True)
    body = serializers.CharField(read_only=True)
    image = serializers.CharField(read_only=True)
    link = serializers.CharField(read_only=True)
    claim = serializers.CharField(read_only=True)


@example({"popup": example_of(Shown), "next_check_at": "2026-05-04T08:35:00.000000Z"})
class NextPopup(serializers.Serializer):
    """The popup to show now, or null. `next_check_at`: the earliest time at which asking again makes sense."""

    popup = Shown(allow_null=True, read_only=True)
    next_check_at = serializers.DateTimeField(read_only=True)
