"""What a statement of SQL, or a function, in a migration does to tables that the last release uses."""

import re
from collections.abc import Iterator
from typing import Any

_NAME = r"[`\"]?(\w+)[`\"]?"
_DROPPED_TABLE = re.compile(rf"\bDROP\s+TABLE\s+(?:IF\s+EXISTS\s+)?{_NAME}", re.IGNORECASE)
_ALTERED_TABLE = re.compile(rf"\bALTER\s+(?:\w+\s+)*?TABLE\s+(?:IF\s+EXISTS\s+)?{_NAME}", re.IGNORECASE)
_DROPPED_COLUMN = re.compile(
    rf"\bDROP\s+(?!INDEX\b|KEY\b|CONSTRAINT\b|FOREIGN\b|PRIMARY\b|CHECK\b|DEFAULT\b|TABLE\b)"
    rf"(?:COLUMN\s+)?(?:IF\s+EXISTS\s+)?{_NAME}", re.IGNORECASE,
)  # fmt: skip
_DANGEROUS = re.compile(
    r"\b(DROP|RENAME|MODIFY|CHANGE|TRUNCATE|UNIQUE|CONSTRAINT|REFERENCES|CHECK|NOT\s+NULL|ALTER\s+COLUMN)\b",
    re.IGNORECASE,
)
_NOISE = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^'\\]|\\.|'')*'", re.DOTALL)
_UNSEEN_EDITS = {
    "add_constraint", "add_field", "alter_db_table", "alter_field", "alter_unique_together", "delete_model",
    "execute", "remove_constraint", "remove_field",
}  # fmt: skip


def statements(sql: Any) -> Iterator[str]:
    """Yield the statements of the argument of RunSQL, without comments and texts."""
    for part in [sql] if isinstance(sql, str) else sql:
        text = part if isinstance(part, str) else part[0]
        yield from filter(None, (each.strip() for each in _NOISE.sub("''", text).split(";")))


def drops(sql: Any) -> Iterator[tuple[str, str | None]]:
    """Yield (table, column) for each column that the statements drop, and (table, None) for each table."""
    for statement in statements(sql):
        yield from ((table, None) for table in _DROPPED_TABLE.findall(statement))
        if table := _ALTERED_TABLE.search(statement):
            yield from ((table.group(1), column) for column in _DROPPED_COLUMN.findall(statement))


def suspicious(sql: Any) -> Iterator[str]:
    """Yield the words of the statements that may take from the last release what it uses; not those of new tables."""
    for statement in statements(sql):
        if not re.match(r"CREATE\s+(TEMPORARY\s+)?TABLE\b", statement, re.IGNORECASE):
            yield from (word.upper() for word in _DANGEROUS.findall(statement))


def edits(function: Any) -> set[str]:
    """Return the methods of a schema editor that a function of RunPython names, whose effect cannot be seen here."""
    code = getattr(getattr(function, "func", function), "__code__", None)
    return _UNSEEN_EDITS.intersection(code.co_names) if code and "schema_editor" in code.co_varnames else set()
