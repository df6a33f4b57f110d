"""An index of accounts by mail address, for password resets.

InnoDB builds it while others read and write the table: it waits for open transactions on the table at its beginning and
its end, and takes a few minutes for ten million accounts. It is a migration of its own, to be repeated if it is cut
short.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("users", "0002_logins")]

    operations = [
        migrations.AddIndex(
            model_name="user",
            index=models.Index(fields=["email"], name="users_user_email"),
        ),
    ]
