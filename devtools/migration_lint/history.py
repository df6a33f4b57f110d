"""The migrations of the project: those of the last release, and those that came since, which are checked."""

from collections.abc import Iterator
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

from devtools.migration_lint.rules import LastRelease, Problem

SENTENCE = 20  # characters that a sentence has at least


def own_migrations() -> list[str]:
    """Return the names of the migrations of the project's own applications, `app.name`."""
    return sorted(f"{each.app_label}.{each.name}" for each in _in_order() if _is_own(each))


def problems(released: set[str]) -> Iterator[str]:
    """Yield a sentence for each operation that the last release, which has these migrations, cannot live with."""
    migrations, state = _in_order(), ProjectState()
    new = [each for each in migrations if _is_own(each) and not _is_released(each, released)]
    for migration in migrations:
        if migration not in new:
            state = migration.mutate_state(state)
    last_release = LastRelease(state.clone())
    for migration in new:
        yield from problems_of(migration, last_release, state)


def problems_of(migration: Migration, last_release: LastRelease, state: ProjectState) -> Iterator[str]:
    """Yield a sentence for each problem of a migration; `state`, before it, becomes that after it."""
    sentence = str(getattr(migration, "contract", ""))
    if 0 < len(sentence) < SENTENCE:
        yield f"{migration}: contract is a whole sentence that says why the last release can live with the migration."
    for operation in migration.operations:
        for problem in last_release.problems(operation, migration.app_label, state):
            if not (problem.can_be_answered and sentence):
                yield _told(migration, operation.describe(), problem)
        operation.state_forwards(migration.app_label, state)


def _told(migration: Migration, operation: str, problem: Problem) -> str:
    return f"{migration}: {operation}. {problem.text}. {problem.advice}."


def _in_order() -> list[Migration]:
    loader = MigrationLoader(None)
    keys = [key for leaf in loader.graph.leaf_nodes() for key in loader.graph.forwards_plan(leaf)]
    return [loader.graph.nodes[key] for key in dict.fromkeys(keys)]


def _is_own(migration: Migration) -> bool:
    path = Path(apps.get_app_config(migration.app_label).path)
    return path.is_relative_to(settings.BASE_DIR) and "site-packages" not in path.parts


def _is_released(migration: Migration, released: set[str]) -> bool:
    names = {f"{app}.{name}" for app, name in migration.replaces}
    return f"{migration.app_label}.{migration.name}" in released or (bool(names) and names <= released)
