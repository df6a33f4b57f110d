"""A user has at most one repost of a post without a text.

Adding a column that may be null is instant on MySQL and MariaDB, and the index is built while others write. Reposts
are read once; there are none without a text unless somebody wrote them past the API, and of each user's the oldest
stays. Processes of the release before run beside this: they write no reposts without a text.
"""

from typing import Any

from django.db import migrations, models

REMOVED = 2


def settle(apps: Any, schema_editor: Any) -> None:
    """Set the column of stored reposts, and mark all but a user's oldest of a post as removed, as posts.removal does.

    `sweep_removed` deletes what is marked. The counters get what the removal takes from them.
    """
    using = schema_editor.connection.alias
    posts = apps.get_model("posts", "Post").objects.using(using)
    kept: set[tuple[int, int]] = set()
    plain = posts.filter(repost_of__isnull=False, text="").exclude(state=REMOVED).order_by("pk")
    for pk, author_id, original_id in list(plain.values_list("pk", "author_id", "repost_of_id")):
        if (author_id, original_id) in kept:
            posts.filter(pk=pk).update(state=REMOVED)
            apps.get_model("posts", "Removal").objects.using(using).create(post_id=pk)
            _count_out(apps, using, author_id, original_id)
        else:
            kept.add((author_id, original_id))
            posts.filter(pk=pk).update(plain_repost_of=original_id)


def _count_out(apps: Any, using: str, author_id: int, original_id: int) -> None:
    deltas = apps.get_model("counters", "Delta").objects.using(using)
    for kind, target_id, name in (("post", original_id, "reposts"), ("user", author_id, "posts")):
        deltas.create(kind=kind, target_id=target_id, name=name, amount=-1)


class Migration(migrations.Migration):
    atomic = False  # MySQL commits each change of a table anyway

    dependencies = [
        ("posts", "0003_base_manager"),
        ("counters", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="post",
            name="plain_repost_of",
            field=models.BigIntegerField(db_default=None, default=None, editable=False, null=True),
        ),
        migrations.AlterField(
            model_name="post",
            name="text",
            field=models.CharField(blank=True, max_length=2000),
        ),
        migrations.RunPython(settle, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="post",
            constraint=models.UniqueConstraint(fields=("author", "plain_repost_of"), name="posts_post_plain_repost"),
        ),
    ]
