"""Imports point one way: no cycle of any kind, nothing upward, nothing past a public face."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.modules import ROOT, cycles, graph, siblings, sources

pytestmark = pytest.mark.embedded


def test_no_cycle_between_modules():
    assert cycles(graph()) == []


def test_no_cycle_between_the_files_and_folders_of_a_package():
    modules = graph()
    packages = {"", *(name for name, path in sources().items() if path.name == "__init__.py")}
    found = {package: cycles(siblings(modules, package)) for package in packages}
    assert {package: each for package, each in found.items() if each} == {}


def test_a_cycle_would_be_found():
    assert cycles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]
    assert cycles(siblings({"p.x.one": {"p.y.two"}, "p.y.two": set(), "p.y.three": {"p.x.one"}}, "p")) == [["x", "y"]]


def test_the_contracts_hold():
    """Layers and public faces are contracts of import-linter in pyproject.toml, which sees imports inside functions."""
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    linted = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert linted.returncode == 0, linted.stdout
    assert "0 broken" in linted.stdout
