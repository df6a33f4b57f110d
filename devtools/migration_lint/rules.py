"""What the last release cannot live with, by kind of operation.

The last release is known by the state of the models after its migrations. What a release adds itself, it may alter and
remove as it likes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.migrations import operations as ops
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ModelState, ProjectState
from django.db.models import CheckConstraint, Field, UniqueConstraint

from devtools.migration_lint import columns, statements

TWO_RELEASES = (
    "Take it out of the models in one release, by SeparateDatabaseAndState(state_operations=[…]), and drop it by "
    "RunSQL in the next one"
)
CONTRACT = 'If no process of the last release does that, say so in the migration: contract = "a sentence"'
HARMLESS = (
    ops.AddIndex, ops.RemoveIndex, ops.RenameIndex, ops.AlterModelOptions, ops.AlterModelManagers,
    ops.AlterModelTableComment, ops.CreateModel, ops.AlterIndexTogether,
)  # fmt: skip


@dataclass(frozen=True)
class Problem:
    """A reason to refuse an operation; the sentence `contract` of the migration answers it if it `can_be_answered`."""

    text: str
    advice: str = CONTRACT
    can_be_answered: bool = True


class LastRelease:
    """The models that processes of the last release know, and what they cannot live with."""

    def __init__(self, state: ProjectState) -> None:
        self._models = state.models

    def problems(self, operation: Operation, app: str, before: ProjectState) -> Iterator[Problem]:
        """Yield the problems of an operation on the models of `app`, whose state is `before`."""
        match operation:
            case ops.SeparateDatabaseAndState():
                yield from self._separate(operation, app, before)
            case ops.RunSQL():
                yield from self._sql(operation)
            case ops.RunPython():
                yield from _python(operation)
            case ops.DeleteModel() | ops.RenameModel() | ops.AlterModelTable():
                yield from self._table(operation, app)
            case _ if not isinstance(operation, HARMLESS):
                name = getattr(operation, "model_name_lower", getattr(operation, "name_lower", ""))
                if model := self._models.get((app, name)):
                    yield from _of_known_model(operation, model, before.models[app, name])

    def _table(self, operation: Any, app: str) -> Iterator[Problem]:
        name = getattr(operation, "old_name_lower", None) or operation.name_lower
        model = self._models.get((app, name))
        if model and not model.options.get("proxy") and model.options.get("managed", True):
            yield Problem("The last release uses this table", TWO_RELEASES, can_be_answered=False)

    def _separate(self, operation: ops.SeparateDatabaseAndState, app: str, before: ProjectState) -> Iterator[Problem]:
        state = before.clone()
        for each in operation.database_operations:
            yield from self.problems(each, app, state)
            each.state_forwards(app, state)
        state = before.clone()
        for each in operation.state_operations:
            if isinstance(each, ops.RemoveField) and not columns.has_default(_field(each, app, state)):
                yield Problem(
                    f"{each.describe()}: rows that this release inserts leave the column out, and it is NOT NULL, "
                    "without a default in the database",
                    "Put an AlterField with db_default before it",
                    can_be_answered=False,
                )
            each.state_forwards(app, state)

    def _sql(self, operation: ops.RunSQL) -> Iterator[Problem]:
        if operation.reverse_sql is None:
            yield Problem("It cannot be taken back", "Give it reverse_sql, or RunSQL.noop", can_be_answered=False)
        used = [(table, column) for table, column in statements.drops(operation.sql) if self._uses(table, column)]
        for table, column in used:
            what = f"{table}.{column}" if column else table
            yield Problem(f"The last release uses {what}", TWO_RELEASES, can_be_answered=False)
        if not used and (words := [*dict.fromkeys(statements.suspicious(operation.sql))]):
            yield Problem(f"Its SQL has {', '.join(words)}, of which the last release may know nothing")

    def _uses(self, table: str, column: str | None) -> bool:
        for (app, name), model in self._models.items():
            fields = {field.db_column or _attname(key, field) for key, field in model.fields.items()}
            own = (model.options.get("db_table") or f"{app}_{name}").lower()
            if own == table.lower():
                return column is None or column.lower() in {each.lower() for each in fields}
            if any(field.many_to_many and f"{own}_{key}" == table.lower() for key, field in model.fields.items()):
                return True
        return False


def _attname(name: str, field: Field) -> str:
    return f"{name}_id" if field.is_relation else name


def _python(operation: ops.RunPython) -> Iterator[Problem]:
    if operation.reverse_code is None:
        yield Problem("It cannot be taken back", "Give it reverse_code, or RunPython.noop", can_be_answered=False)
    if edits := statements.edits(operation.code):
        yield Problem(f"It changes tables by schema_editor ({', '.join(sorted(edits))}), which nobody can check")


def _field(operation: Any, app: str, state: ProjectState) -> Field:
    return state.models[app, operation.model_name_lower].get_field(operation.name)


def _of_known_model(operation: Operation, last: ModelState, before: ModelState) -> Iterator[Problem]:
    match operation:
        case ops.AddField():
            yield from (Problem(_upper(each), can_be_answered=False) for each in columns.added(operation.field))
        case ops.AlterField():
            yield from map(Problem, map(_upper, _alter(operation, last)))
        case ops.RemoveField() | ops.RenameField():
            if getattr(operation, "old_name", getattr(operation, "name", None)) in last.fields:
                yield Problem("The last release uses this column", TWO_RELEASES, can_be_answered=False)
        case ops.AddConstraint(constraint=UniqueConstraint() as constraint):
            if not _is_of_new_columns(constraint, last, before):
                yield Problem("The last release may write rows that the constraint refuses")
        case ops.AddConstraint(constraint=CheckConstraint()) | ops.AlterOrderWithRespectTo():
            yield Problem("The last release may write rows that the database refuses")
        case ops.AlterUniqueTogether() | ops.RemoveConstraint():
            yield Problem("The last release may write rows that the constraint refuses, or rely on it")
        case _:
            yield Problem(f"{type(operation).__name__} is of no known kind, so nobody can check it")


def _alter(operation: ops.AlterField, last: ModelState) -> Iterator[str]:
    if known := last.fields.get(operation.name):
        return columns.altered(_named(known, operation.name), _named(operation.field, operation.name))
    return columns.added(operation.field)


def _named(field: Field, name: str) -> Field:
    """Return a copy of a field of a state that knows its name, and so its column."""
    copy = field.clone()
    copy.set_attributes_from_name(name)
    return copy


def _is_of_new_columns(constraint: UniqueConstraint, last: ModelState, before: ModelState) -> bool:
    """Return whether the last release leaves a column of the constraint NULL, so that its rows are all distinct."""
    new = [name for name in constraint.fields if name not in last.fields]
    return constraint.nulls_distinct is not False and any(
        (field := before.fields[name]).null and not columns.is_filled(field) for name in new
    )


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
