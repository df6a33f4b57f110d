"""Tables that Django does not make."""

from django.apps import apps
from django.db import connections


def make_unmanaged_tables() -> None:
    """Make the tables of the zoo's models that Django does not manage, in both databases."""
    for connection in connections.all():
        known = connection.introspection.table_names()
        for model in apps.get_app_config("zoo").get_models():
            if not model._meta.managed and model._meta.db_table not in known:
                model._meta.managed = True  # the editor of tables passes over those that are not
                with connection.schema_editor() as editor:
                    editor.create_model(model)
                model._meta.managed = False
