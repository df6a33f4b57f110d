"""Tables of the accounts that are being deleted, and of the names that are reserved after them."""

import django.utils.timezone
from django.db import migrations, models

import users.fields


class Migration(migrations.Migration):
    dependencies = [
        ("users", "0005_confirmed_emails"),
    ]

    operations = [
        migrations.CreateModel(
            name="Erasure",
            fields=[
                ("user_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("username", models.CharField(max_length=30)),
                ("requested_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("due_at", models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("gone_at", models.DateTimeField(default=None, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="FormerName",
            fields=[
                (
                    "name",
                    users.fields.CollatedCharField(max_length=30, primary_key=True, rule="binary", serialize=False),
                ),
                ("user_id", models.BigIntegerField(db_index=True)),
                ("reserved_until", models.DateTimeField(db_index=True)),
            ],
        ),
    ]
