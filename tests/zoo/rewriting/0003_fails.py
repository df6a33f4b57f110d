from django.db import migrations


def fail(apps, schema_editor):
    raise RuntimeError("this migration fails")


class Migration(migrations.Migration):
    dependencies = [("zoo", "0002_houses")]

    operations = [migrations.RunPython(fail, migrations.RunPython.noop)]
