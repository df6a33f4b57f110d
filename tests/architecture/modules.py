"""The documents and modules of the project; what modules import is read from the source, also inside functions."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = (
    "api", "binlog", "caching", "config", "counters", "jobs", "launcher", "metrics", "operations", "popups", "posts",
    "ratings", "replicas", "reports", "serving", "social", "users",
)  # fmt: skip
PROGRAMS = (*PRODUCT, "devtools", "loadtest")
_FILES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "caching/README.md", "loadtest/README.md")
DOCUMENTS = (*(ROOT / name for name in _FILES), *sorted((ROOT / "docs").rglob("*.md")))

Graph = dict[str, set[str]]


@cache
def sources(packages: tuple[str, ...] = PROGRAMS) -> dict[str, Path]:
    """Return {dotted name: file} of all modules, without migrations."""
    found = {}
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if "migrations" not in parts:
                found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def tree_of(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text())


def imports_of(name: str, known: dict[str, Path]) -> set[str]:
    """Return the known modules that a module imports; `caching`, which works under any path, imports relatively."""
    found = set()
    package = name.split(".") if known[name].name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(tree_of(known[name])):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert (node.level > 0) == (name.startswith("caching") and _is_own(node)), f"{name} imports {node.module}"
            parents = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*parents, *([node.module] if node.module else [])])
            for alias in node.names:
                submodule = f"{module}.{alias.name}"
                found.add(submodule if submodule in known else module)
    return (found & known.keys()) - {name}


def _is_own(node: ast.ImportFrom) -> bool:
    """Return whether an import of a module of `caching` names another one."""
    return node.level > 0 or str(node.module).split(".")[0] == "caching"


def graph() -> Graph:
    """Return the imports of every module."""
    known = sources()
    return {name: imports_of(name, known) for name in known}


def siblings(modules: Graph, package: str) -> Graph:
    """Return the imports between the files and folders that lie directly in a package ("" for the top level)."""
    prefix = f"{package}." if package else ""

    def child(name: str) -> str | None:
        return name.removeprefix(prefix).split(".")[0] if name.startswith(prefix) else None

    found: Graph = {}
    for name, imported in modules.items():
        if (here := child(name)) is not None:
            found.setdefault(here, set()).update({child(each) for each in imported} - {here, None})
    return found


def cycles(modules: Graph) -> list[list[str]]:
    """Return the strongly connected components of more than one module (Tarjan 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in modules.get(name, ()):
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            component = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            if len(component) > 1:
                found.append(sorted(component))

    for name in modules:
        if name not in index:
            visit(name)
    return found
