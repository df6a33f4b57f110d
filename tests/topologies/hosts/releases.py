"""Copies of the project as a deployment makes them: the release at hand, and the four that follow to rename a column.

`bio` of accounts moves to another column, `about`, while clients go on to read and write `bio`: expand, migrate, and
contract in two releases. Each replaces lines of the project's own files.
"""

import shutil
from pathlib import Path

from config.environment import BASE_DIR

BIO = '    bio = MultilineField(max_length=500, blank=True, default="")\n'
ABOUT = '    about = MultilineField(max_length=500, blank=True, default="", db_default="")\n'
UPDATE = "    return User.objects.update_one(user_id, **changes)\n"
NEW_BIO = '    bio = MultilineField(max_length=500, blank=True, default="", db_default="", db_column="about")\n'
OLD_BIO = '    old_bio = MultilineField(max_length=500, blank=True, default="", db_column="bio")\n'
MIGRATION = '''"""Moves the texts of `bio` to a column of another name."""

from django.db import migrations, models


def copy(apps, schema_editor):
    users = apps.get_model("users", "User").objects.using(schema_editor.connection.alias)
    last = 0
    while ids := [*users.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:500]]:
        last = ids[-1]
        users.filter(pk__in=ids).exclude(about=models.F("bio")).update(about=models.F("bio"))


def text(**options):
    return models.CharField(max_length=500, blank=True, default="", **options)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("users", "{before}")]
    {contract}
    operations = [{operations}]
'''
EXPAND = 'migrations.AddField("user", "about", text(db_default=""))'
MIGRATE = """
        migrations.RunPython(copy, migrations.RunPython.noop),
        migrations.SeparateDatabaseAndState(state_operations=[
            migrations.RenameField("user", "bio", "old_bio"),
            migrations.AlterField("user", "old_bio", text(db_column="bio")),
            migrations.RenameField("user", "about", "bio"),
            migrations.AlterField("user", "bio", text(db_default="", db_column="about")),
        ]),
"""
STOP_TO_USE = """
        migrations.AlterField("user", "old_bio", text(db_default="", db_column="bio")),
        migrations.SeparateDatabaseAndState(state_operations=[migrations.RemoveField("user", "old_bio")]),
"""
DROP = """
        migrations.RunSQL(
            "ALTER TABLE users_user DROP COLUMN bio",
            "ALTER TABLE users_user ADD COLUMN bio varchar(500) NOT NULL DEFAULT ''",
        ),
"""
BOTH = '    if "bio" in changes:\n        changes["{other}"] = changes["bio"]\n'
SENTENCE = 'contract = "The release before has taken the column bio out of its models."'
# By name: the lines of the model, what a change of the profile writes besides, the migration's operations, a sentence.
STEPS = {
    "0901_expand": (BIO + ABOUT, BOTH.format(other="about"), EXPAND, ""),
    "0902_migrate": (NEW_BIO + OLD_BIO, BOTH.format(other="old_bio"), MIGRATE, ""),
    "0903_stop_to_use": (NEW_BIO, "", STOP_TO_USE, ""),
    "0904_drop": (NEW_BIO, "", DROP, SENTENCE),
}


def releases(folder: Path, following: int = len(STEPS)) -> list[Path]:
    """Return the folders of the release at hand and of those after it, four at most, of what an image contains."""
    made = [_copy(BASE_DIR, folder / "0900")]
    for name, (model, besides, operations, contract) in [*STEPS.items()][:following]:
        tree = _copy(made[0], folder / name)
        _replace(tree / "users/models.py", BIO, model)
        _replace(tree / "users/services.py", UPDATE, besides + UPDATE)
        migrations = tree / "users/migrations"
        for earlier in made[1:]:
            shutil.copy(earlier / f"users/migrations/{earlier.name}.py", migrations)
        before = max(path.stem for path in migrations.glob("0*.py"))
        text = MIGRATION.replace("{before}", before).replace("{contract}", contract)
        (migrations / f"{name}.py").write_text(text.replace("{operations}", operations))
        made.append(tree)
    return made


def _copy(source: Path, target: Path) -> Path:
    allowed = [line[1:] for line in (BASE_DIR / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    target.mkdir(parents=True)
    for name in allowed:
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source / name, target / name)
    return target


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1, f"{path.name} has changed: {old}"
    path.write_text(text.replace(old, new))
