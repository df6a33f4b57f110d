"""An index of posts by state, for the filter of the admin that lists the hidden ones.

InnoDB builds it while others read and write the table: it waits for open transactions on the table at its beginning and
its end, and takes a few minutes for ten million posts.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("posts", "0004_plain_reposts")]

    operations = [migrations.AddIndex("post", models.Index(fields=["state"], name="posts_post_state"))]
