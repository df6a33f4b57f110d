"""The JSON shapes of answers about reports, for the OpenAPI schema only."""

from rest_framework import serializers

from api.schema import example


@example({"id": 5})
class ReportFiled(serializers.Serializer):
    """The id of the caller's report."""

    id = serializers.IntegerField(read_only=True)
