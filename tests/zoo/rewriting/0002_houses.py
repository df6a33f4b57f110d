from django.db import migrations


def renumber(apps, schema_editor):
    place = apps.get_model("zoo", "Place").objects.using(schema_editor.connection.alias)
    place.filter(house=1).update(house=100)
    place.filter(sign="gone").delete()
    place.create(sign="new", house=3)


class Migration(migrations.Migration):
    dependencies = [("zoo", "0001_initial")]

    operations = [migrations.RunPython(renumber, migrations.RunPython.noop)]
