"""A table that tells how far the search terms are those of the newest rules (`manage.py reindex_search`).

A new table is added and no other one is touched. A database without users needs no reindexing.
"""

from typing import Any

from django.db import migrations, models

VERSION = 2


def mark_empty_database(apps: Any, schema_editor: Any) -> None:
    """Note that all users have the terms of this version, where there are no users."""
    from django.utils import timezone

    using = schema_editor.connection.alias
    if not apps.get_model("users", "User").objects.using(using).exists():
        index = apps.get_model("users", "SearchIndex").objects.using(using)
        index.get_or_create(version=VERSION, defaults={"finished_at": timezone.now()})


class Migration(migrations.Migration):
    dependencies = [("users", "0006_erasure")]

    operations = [
        migrations.CreateModel(
            name="SearchIndex",
            fields=[
                ("version", models.PositiveIntegerField(primary_key=True, serialize=False)),
                ("done_up_to", models.BigIntegerField(db_default=0, default=0)),
                ("finished_at", models.DateTimeField(default=None, null=True)),
            ],
        ),
        migrations.RunPython(mark_empty_database, migrations.RunPython.noop),
    ]
