"""Items that are removed in short transactions; and the bars of one item without reading its scores' rows.

The wider index comes before the foreign key's own one goes, and goes after it on the way back: MySQL needs one of them.
"""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ratings", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="item",
            name="removed_at",
            field=models.DateTimeField(db_index=True, editable=False, null=True),
        ),
        migrations.AddIndex(
            model_name="score",
            index=models.Index(fields=["item", "score"], name="ratings_score_histogram"),
        ),
        migrations.AlterField(
            model_name="score",
            name="item",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="ratings.item"
            ),
        ),
    ]
