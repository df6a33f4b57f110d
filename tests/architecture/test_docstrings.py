"""Every public module, and every public class and function at its top level, has a docstring."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.modules import sources, tree_of

pytestmark = pytest.mark.embedded

Documentable = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
EXEMPT = {
    "api.inputs.StrictSerializer",  # drf-spectacular would make it the description of inputs that have none
}


def public_nodes(name: str, path: Path) -> Iterator[tuple[str, Documentable]]:
    """Yield (dotted name, node) of a module that is not empty, and of its public classes and functions."""
    tree = tree_of(path)
    if tree.body:
        yield name, tree
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            yield f"{name}.{node.name}", node


def undocumented() -> set[str]:
    return {
        dotted
        for name, path in sources().items()
        for dotted, node in public_nodes(name, path)
        if not (ast.get_docstring(node) or "").strip()
    }


def test_everything_public_has_a_docstring():
    assert sorted(undocumented() - EXEMPT) == []


def test_every_exemption_is_needed():
    assert sorted(EXEMPT - undocumented()) == []
