from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    "Place",
                    [
                        ("id", models.BigAutoField(primary_key=True)),
                        ("sign", models.CharField(max_length=30, unique=True)),
                        ("street", models.IntegerField(null=True)),
                        ("house", models.IntegerField(default=1)),
                    ],
                )
            ]
        )
    ]
