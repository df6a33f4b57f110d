"""Logins, requested password resets, and the columns of accounts by which tokens end before they expire.

The columns are appended with a default in the database, which MySQL 8 and MariaDB 10.3 do without touching a row.
"""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("users", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="token_generation",
            field=models.BigIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddField(
            model_name="user",
            name="ended_logins",
            field=models.CharField(blank=True, db_default="", default="", editable=False, max_length=1000),
        ),
        migrations.CreateModel(
            name="Login",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="logins",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("last_used_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("user_agent", models.CharField(blank=True, default="", max_length=200)),
                ("refresh_id", models.CharField(default="", max_length=64)),
                ("generation", models.BigIntegerField(default=0)),
                ("expires_at", models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
            ],
        ),
        migrations.CreateModel(
            name="PasswordReset",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("email", models.EmailField(default="", max_length=254)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("due_at", models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("mailed_up_to", models.BigIntegerField(default=0)),
            ],
        ),
    ]
