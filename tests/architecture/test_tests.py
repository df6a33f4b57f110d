"""The rules of the tests' own modules, computed from their imports."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
ROOT = TESTS.parent

pytestmark = pytest.mark.embedded


def module_of(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts)


def imported_by(file: Path) -> Iterator[str]:
    """Yield the modules that a file imports, at its top or inside functions; `from a import b` yields a and a.b."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_allowed(importer: str, imported: str) -> bool:
    """Return whether a module of the tests may import another: no test module, and no other folder's conftest."""
    folder, _, name = imported.rpartition(".")
    return not name.startswith("test_") and (name != "conftest" or folder == importer.rpartition(".")[0])


def test_no_module_imports_a_test_module_or_another_folders_conftest():
    modules = {module_of(file): file for file in TESTS.rglob("*.py")}
    violations = [
        f"{importer} imports {imported}"
        for importer, file in modules.items()
        for imported in imported_by(file)
        if imported in modules and not is_allowed(importer, imported)
    ]
    assert violations == []
