"""Generated clients are type-checked in strict mode, and talk to a real server: TypeScript and Python."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from api.schema_generator import OnceGenerator
from devtools import clients

pytestmark = pytest.mark.embedded  # the server has a database of its own
HERE = Path(__file__).parent
FEWEST_CALLS = 20
needs_node = pytest.mark.skipif(
    not os.environ.get("CI") and not (shutil.which("node") and clients.NODE_MODULES.exists()),
    reason="the TypeScript client needs npm",
)


@pytest.fixture(scope="module")
def document(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("clients") / "openapi.json"
    path.write_text(json.dumps(OnceGenerator().get_schema()))
    return path


@pytest.fixture(scope="module")
def url(installation) -> str:
    return f"http://127.0.0.1:{installation.start('gunicorn').port}"


def check(*command: str | Path, **environment: str) -> str:
    """Run a program in at most 240 seconds, and return what it printed; fail with it if the program fails."""
    ended = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=240, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def assert_enough_calls(printed: str) -> None:
    assert int(re.fullmatch(r"(\d+) calls\n", printed)[1]) >= FEWEST_CALLS


def test_python(document, url):
    folder = document.parent / "python"
    clients.generate_python(document, folder)
    package = {"MYPYPATH": str(folder), "PYTHONPATH": str(folder)}
    options = ("--strict", "--config-file=", f"--cache-dir={folder}/cache")
    check(sys.executable, "-m", "mypy", *options, folder / "hotpath_client", HERE / "calls.py", **package)
    assert_enough_calls(check(sys.executable, HERE / "calls.py", url, "python", **package))


@needs_node
def test_typescript(document, url):
    folder = document.parent / "typescript"
    clients.generate_typescript(document, folder)
    shutil.copy(HERE / "calls.ts", folder)
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "node_modules").symlink_to(clients.NODE_MODULES)
    options = (
        "--strict",
        "--noUncheckedIndexedAccess",
        "--module",
        "nodenext",
        "--target",
        "es2022",
        "--types",
        "node",
    )
    types = ("--typeRoots", clients.NODE_MODULES / "@types")
    check("node", clients.NODE_MODULES / "typescript-7/bin/tsc", *options, *types, folder / "calls.ts")
    assert_enough_calls(check("node", folder / "calls.js", url, "ts"))


@needs_node
def test_redocly_finds_nothing(document):
    assert clients.lint(document) == "redocly: 0 errors, 0 warnings"
