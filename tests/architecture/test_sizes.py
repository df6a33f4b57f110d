"""Functions and files stay short, and the product does not grow unnoticed."""

import ast
import io
import statistics
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.modules import PRODUCT, ROOT, sources, tree_of

pytestmark = pytest.mark.embedded

MOST_LINES = 27_000
NOT_CODE = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER,
}  # fmt: skip


def files(*packages: str) -> list[Path]:
    found = list(sources(packages).values())
    return [*found, ROOT / "manage.py"] if "config" in packages else found


def function_lengths() -> list[tuple[int, str]]:
    """Lines from the first statement after the docstring to the last."""
    found = []
    for path in files(*PRODUCT, "loadtest", "devtools"):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
                length = body[-1].end_lineno - body[0].lineno + 1 if body else 0
                found.append((length, f"{path.relative_to(ROOT)}: {node.name}"))
    return sorted(found)


def docstring_lines(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            for statement in node.body:
                if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                    yield from range(statement.lineno, statement.end_lineno + 1)


def code_lines(path: Path) -> int:
    """Lines without blank ones, comments and docstrings."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline):
        if token.type not in NOT_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines.difference(docstring_lines(tree_of(path))))


def test_functions():
    lengths = function_lengths()
    longest = [length for length, _ in lengths]
    assert statistics.median(longest) <= 5
    assert longest[int(0.9 * len(longest))] <= 14
    assert lengths[-1][0] <= 40, lengths[-1]


def test_files():
    lengths = sorted(
        (len(path.read_text().splitlines()), str(path)) for path in files(*PRODUCT, "loadtest", "devtools")
    )
    assert lengths[int(0.9 * len(lengths))][0] <= 160
    assert lengths[-1][0] <= 350, lengths[-1]


def test_the_product():
    by_package = {package: sum(map(code_lines, files(package))) for package in PRODUCT}
    print(by_package)
    assert sum(by_package.values()) <= MOST_LINES, by_package
