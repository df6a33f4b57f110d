from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("caching", "0002_redis_runs")]

    operations = [
        migrations.AddField("RedisRun", "generation", models.BigIntegerField(default=0, db_default=0)),
    ]
