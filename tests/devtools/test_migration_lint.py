"""Migrations that the last release cannot live with are refused, each kind, and no others."""

from functools import partial

import pytest
from django.db import migrations, models
from django.db.migrations import operations as ops
from django.db.migrations.state import ProjectState

from config.environment import BASE_DIR
from devtools.migration_lint import history
from devtools.migration_lint.rules import LastRelease
from tests.support.programs import environment, run

pytestmark = pytest.mark.embedded
CASCADE = models.CASCADE
Char, Int = models.CharField, models.IntegerField
LAST_RELEASE = [
    ops.CreateModel("other", [("id", models.BigAutoField(primary_key=True))]),
    ops.CreateModel("proxy", [], {"proxy": True}, ("app.other",)),
    ops.CreateModel(
        "thing",
        [
            ("id", models.BigAutoField(primary_key=True)),
            ("note", Char(max_length=20, null=True)),
            ("name", Char(max_length=50)),
            ("body", models.TextField()),
            ("big", models.BigIntegerField(default=0)),
            ("small", Int(default=0)),
            ("code", Char(max_length=20, unique=True)),
            ("filled", Int(default=5, db_default=5)),
            ("price", models.DecimalField(max_digits=8, decimal_places=2)),
            ("many", models.ManyToManyField("app.other")),
            ("owner", models.ForeignKey("app.other", CASCADE, db_constraint=False, null=True)),
        ],
        {"constraints": [models.UniqueConstraint(fields=["name", "small"], name="pair")]},
    ),
    ops.CreateModel(
        "child", [("id", models.BigAutoField(primary_key=True)), ("parent", models.ForeignKey("app.thing", CASCADE))]
    ),
]
add, alter = partial(ops.AddField, "thing", "n"), partial(ops.AlterField, "thing")
separate = ops.SeparateDatabaseAndState
unique, check = models.UniqueConstraint, models.CheckConstraint


def python(apps, schema_editor):
    apps.get_model("app", "thing")


def drops_by_hand(apps, schema_editor):
    schema_editor.execute("ALTER TABLE app_thing DROP COLUMN note")


# Kinds of operations, each with a part of the sentence by which it is refused.
REFUSED = {
    "a field is removed": (ops.RemoveField("thing", "note"), "uses this column"),
    "a field is renamed": (ops.RenameField("thing", "note", "remark"), "uses this column"),
    "a relation to many is removed": (ops.RemoveField("thing", "many"), "uses this column"),
    "a model is removed": (ops.DeleteModel("other"), "uses this table"),
    "a model is renamed": (ops.RenameModel("other", "another"), "uses this table"),
    "a table is renamed": (ops.AlterModelTable("other", "elsewhere"), "uses this table"),
    "a column is renamed": (alter("small", Int(default=0, db_column="tiny")), "renamed from small to tiny"),
    "NOT NULL, Python's default": (add(Int(default=0)), "add db_default"),
    "NOT NULL, Python's empty text": (add(Char(max_length=9, default="", blank=True)), "add db_default"),
    "NOT NULL, a default once": (add(Int(default=0), preserve_default=False), "add db_default"),
    "NOT NULL, no default": (add(models.DateTimeField(auto_now_add=True)), "add db_default"),
    "NOT NULL, a foreign key": (add(models.ForeignKey("app.other", CASCADE, default=1)), "add db_default"),
    "unique with one default": (add(Int(db_default=3, unique=True)), "It is unique"),
    "shorter": (alter("name", Char(max_length=10)), "10 characters only"),
    "shorter, null": (alter("note", Char(max_length=5, null=True)), "5 characters only"),
    "a text becomes short": (alter("body", Char(max_length=10)), "type changes from TextField"),
    "a smaller number": (alter("big", Int(default=0)), "type changes from BigIntegerField to IntegerField"),
    "no negative number": (alter("small", models.PositiveIntegerField(default=0)), "type changes"),
    "a number becomes a text": (alter("small", Char(max_length=20)), "type changes"),
    "fewer digits": (alter("price", models.DecimalField(max_digits=6, decimal_places=2)), "6 digits only"),
    "fewer places": (alter("price", models.DecimalField(max_digits=8, decimal_places=1)), "1 of them"),
    "more places, not more digits": (alter("price", models.DecimalField(max_digits=8, decimal_places=4)), "8 digits"),
    "null is refused": (alter("note", Char(max_length=20, default="")), "becomes NOT NULL"),
    "null is refused, with a default": (alter("note", Char(max_length=20, db_default="")), "becomes NOT NULL"),
    "a default is lost": (alter("filled", Int(default=5)), "loses its default"),
    "a column becomes unique": (alter("name", Char(max_length=50, unique=True)), "becomes unique"),
    "a column is not unique any more": (alter("code", Char(max_length=20)), "not unique any more"),
    "another collation": (alter("name", Char(max_length=50, db_collation="utf8mb4_bin")), "db_collation changes"),
    "another table": (
        alter("owner", models.ForeignKey("app.thing", CASCADE, db_constraint=False, null=True)), "refers to another",
    ),
    "a foreign key constraint": (alter("owner", models.ForeignKey("app.other", CASCADE, null=True)), "key constraint"),
    "unique together": (ops.AlterUniqueTogether("thing", {("name", "small")}), "refuses"),
    "a unique constraint": (ops.AddConstraint("thing", unique(fields=["name"], name="u")), "refuses"),
    "a unique expression": (ops.AddConstraint("thing", unique(models.F("name"), name="u")), "refuses"),
    "a check": (ops.AddConstraint("thing", check(condition=models.Q(small__gt=0), name="c")), "refuses"),
    "a constraint that upserts need": (ops.RemoveConstraint("thing", "pair"), "rely on it"),
    "an order": (ops.AlterOrderWithRespectTo("child", "parent"), "refuses"),
    "Python for ever": (ops.RunPython(python), "reverse_code"),
    "Python that alters tables": (ops.RunPython(drops_by_hand, ops.RunPython.noop), "schema_editor (execute)"),
    "SQL for ever": (ops.RunSQL("UPDATE app_thing SET small = 1"), "reverse_sql"),
    "SQL drops a column": (ops.RunSQL("ALTER TABLE app_thing DROP COLUMN note", ""), "uses app_thing.note"),
    "SQL drops, quoted": (ops.RunSQL(['alter table `app_thing` drop `note`'], ""), "uses app_thing.note"),
    "SQL drops a foreign key's column": (ops.RunSQL([("ALTER TABLE app_thing DROP owner_id", None)], ""), "owner_id"),
    "SQL drops a table": (ops.RunSQL("DROP TABLE IF EXISTS app_other", ""), "uses app_other"),
    "SQL drops a table of a relation": (ops.RunSQL("DROP TABLE app_thing_many", ""), "uses app_thing_many"),
    "SQL alters a column": (ops.RunSQL("ALTER TABLE app_thing MODIFY name varchar(5)", ""), "MODIFY"),
    "SQL adds a unique index": (ops.RunSQL("CREATE UNIQUE INDEX i ON app_thing (name)", ""), "UNIQUE"),
    "in the database alone": (separate([ops.RemoveField("thing", "note")]), "uses this column"),
    "unused, and NOT NULL": (separate(state_operations=[ops.RemoveField("thing", "name")]), "db_default before it"),
}  # fmt: skip
ACCEPTED = {
    "a default in the database": add(Int(db_default=0)),
    "both defaults": add(Char(max_length=9, default="", db_default="")),
    "null": add(Int(null=True)),
    "null with Python's default": add(Int(null=True, default=3)),
    "unique, null": add(Int(null=True, unique=True)),
    "a foreign key, null": add(models.ForeignKey("app.other", CASCADE, null=True)),
    "a relation to many": add(models.ManyToManyField("app.other")),
    "a generated column": add(
        models.GeneratedField(expression=models.F("small") + 1, output_field=Int(), db_persist=True)
    ),
    "longer": alter("name", Char(max_length=100)),
    "as long as you like": alter("name", models.TextField()),
    "a larger number": alter("small", models.BigIntegerField(default=0)),
    "more digits": alter("price", models.DecimalField(max_digits=12, decimal_places=4)),
    "null is allowed": alter("name", Char(max_length=50, null=True)),
    "a default is given": alter("small", Int(default=0, db_default=0)),
    "an index of a field": alter("name", Char(max_length=50, db_index=True)),
    "choices, a label, a help": alter("name", Char("Name", max_length=50, choices=[("a", "b")], help_text="?")),
    "an index": ops.AddIndex("thing", models.Index(fields=["name"], name="i")),
    "options": ops.AlterModelOptions("thing", {"ordering": ["id"]}),
    "a proxy is removed": ops.DeleteModel("proxy"),
    "a new model": ops.CreateModel("new", [("id", models.BigAutoField(primary_key=True)), ("n", Int(unique=True))]),
    "Python and back": ops.RunPython(python, ops.RunPython.noop),
    "SQL and back": ops.RunSQL("UPDATE app_thing SET name = 'DROP TABLE; UNIQUE' -- DROP", ops.RunSQL.noop),
    "SQL makes a table": ops.RunSQL("CREATE TABLE app_new (n integer NOT NULL UNIQUE)", "DROP TABLE app_new"),
    "unused, null": separate(state_operations=[ops.RemoveField("thing", "note")]),
    "unused, with a default": separate(state_operations=[ops.RemoveField("thing", "filled")]),
    "a model is not used any more": separate(state_operations=[ops.DeleteModel("other")]),
}
# What a release has added itself, and then does with that, in one migration or several.
ADDED_BEFORE = {
    "removed": [add(Int(null=True)), ops.RemoveField("thing", "n")],
    "renamed": [add(Int(null=True)), ops.RenameField("thing", "n", "m")],
    "a model removed": [ACCEPTED["a new model"], ops.AlterField("new", "n", Int()), ops.DeleteModel("new")],
    "a model altered": [ACCEPTED["a new model"], ops.AddField("new", "m", Int(default=0))],
    "unique with a new column": [
        add(Int(null=True)), ops.AddConstraint("thing", unique(fields=["name", "n"], name="u")),
    ],
}  # fmt: skip
NOT_NULL_LATER = [add(Int(null=True)), ops.RunPython(python, ops.RunPython.noop), alter("n", Int(default=0))]
STOPPED = separate(state_operations=[ops.RemoveField("thing", "note")])
DROPPED = ops.RunSQL("ALTER TABLE app_thing DROP COLUMN note", "ALTER TABLE app_thing ADD COLUMN note varchar(20)")


def state_after(*operations, state=None):
    state = ProjectState() if state is None else state.clone()
    for operation in operations:
        operation.state_forwards("app", state)
    return state


def told(*operations, last=LAST_RELEASE, **attributes) -> list[str]:
    """Return what is said of a migration with these operations; the last release made the state by `last`."""
    state = state_after(*last)
    kind = type("Migration", (migrations.Migration,), {"operations": [*operations], **attributes})
    return [*history.problems_of(kind("0002_next", "app"), LastRelease(state.clone()), state)]


@pytest.mark.parametrize("kind", REFUSED)
def test_refused(kind):
    operation, sentence = REFUSED[kind]
    found = told(operation)
    assert len(found) == 1, found
    assert found[0].startswith("app.0002_next: ")
    assert sentence in found[0]


@pytest.mark.parametrize("kind", ACCEPTED)
def test_accepted(kind):
    assert told(ACCEPTED[kind]) == []


@pytest.mark.parametrize("kind", ADDED_BEFORE)
def test_what_the_release_has_added_itself(kind):
    assert told(*ADDED_BEFORE[kind]) == []


def test_a_new_column_that_becomes_not_null():
    assert "add db_default" in told(*NOT_NULL_LATER)[0]
    assert told(*NOT_NULL_LATER[:2], alter("n", Int(db_default=0))) == []


def test_a_column_is_dropped_in_the_release_after_the_one_that_stopped_to_use_it():
    sentence = "Release 0.3 has taken note out of its models, so nothing reads it."
    assert "uses app_thing.note" in told(STOPPED, DROPPED, contract=sentence)[0]  # both in one release
    assert "uses app_thing.note" in told(DROPPED, contract=sentence)[0]  # not true
    assert "say so in the migration" in told(DROPPED, last=[*LAST_RELEASE, STOPPED])[0]
    assert told(DROPPED, last=[*LAST_RELEASE, STOPPED], contract=sentence) == []


def test_a_sentence_answers_what_only_people_know():
    sentence = "Since 0.3 all names have at most ten characters, by a validator."
    shorter = REFUSED["shorter"][0]
    assert told(shorter, contract=sentence) == []
    assert "whole sentence" in told(shorter, contract="fine")[0]
    assert told(REFUSED["NOT NULL, Python's default"][0], contract=sentence) != []


SHOP = """
from config.settings import *
from pathlib import Path
BASE_DIR, INSTALLED_APPS = Path(__file__).parent, [*INSTALLED_APPS, "shop"]
"""
MIGRATION = """
from django.db import migrations, models
class Migration(migrations.Migration):
    {dependencies}
    operations = [{operation}]
"""
CREATE = 'migrations.CreateModel("item", [("id", models.BigAutoField(primary_key=True)), ("name", models.TextField())])'


def lint(tmp_path, *arguments, **values):
    production = {"DEBUG": "0", "SECRET_KEY": "tests-only-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKL"}
    return run(("-m", "devtools.migration_lint", *arguments), environment(tmp_path / "data", **production, **values))


def test_the_project_has_nothing_to_refuse(tmp_path):
    """Neither since the last release, nor among what earlier releases have added to the first tables."""
    assert (lint(tmp_path).returncode, lint(tmp_path).stderr) == (0, "")
    released = (BASE_DIR / "devtools/migration_lint/released.txt").read_text().split()
    (first := tmp_path / "first").write_text("\n".join(name for name in released if "0001_" in name))
    assert (lint(tmp_path, str(first)).returncode, lint(tmp_path, str(first)).stderr) == (0, "")


def test_the_command_fails_with_a_sentence(tmp_path):
    (tmp_path / "shop/migrations").mkdir(parents=True)
    (tmp_path / "shop_settings.py").write_text(SHOP)
    for number, operation in enumerate((CREATE, 'migrations.RemoveField("item", "name")'), start=1):
        dependencies = f'dependencies = [("shop", "000{number - 1}")]' if number > 1 else ""
        text = MIGRATION.format(operation=operation, dependencies=dependencies)
        (tmp_path / f"shop/migrations/000{number}.py").write_text(text)
    for folder in ("shop", "shop/migrations"):
        (tmp_path / folder / "__init__.py").touch()
    (released := tmp_path / "released").write_text("shop.0001")
    variables = {"PYTHONPATH": str(tmp_path), "DJANGO_SETTINGS_MODULE": "shop_settings"}
    found = lint(tmp_path, str(released), **variables)
    assert found.returncode == 1
    [line] = found.stderr.splitlines()
    assert line.startswith("shop.0002: Remove field name from item. The last release uses this column. Take it out of")
    released.write_text("shop.0001 shop.0002")
    assert lint(tmp_path, str(released), **variables).returncode == 0
