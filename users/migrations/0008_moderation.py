"""Indexes of accounts by whether they are active and whether they are staff, for the filters of the admin.

InnoDB builds them while others read and write the table: it waits for open transactions on the table at the beginning
and the end of each, and takes a few minutes for ten million accounts. MySQL commits each step; one that was cut short
can be repeated after the index that is there already was dropped.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("users", "0007_search")]

    operations = [
        migrations.AlterModelOptions(name="login", options={"verbose_name": "session"}),
        migrations.AddIndex("user", models.Index(fields=["is_active"], name="users_user_active")),
        migrations.AddIndex("user", models.Index(fields=["is_staff"], name="users_user_staff")),
    ]
