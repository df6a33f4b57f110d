"""The time of a pending invalidation may be chosen by who records it; the column stays as it is."""

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("caching", "0001_initial")]

    operations = [
        migrations.AlterField(
            model_name="pendinginvalidation",
            name="created_at",
            field=models.DateTimeField(default=django.utils.timezone.now),
        ),
    ]
