from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies = [("caching", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="RedisRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("run", models.CharField(max_length=40, unique=True)),
                ("previous", models.CharField(db_index=True, default="", max_length=40)),
                ("mark", models.CharField(default="", max_length=16)),
                ("created_at", models.DateTimeField(db_default=Now())),
            ],
        ),
    ]
