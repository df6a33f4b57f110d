"""The releases of the rolling deploys are what `make lint` accepts, one after the other; no step may be left out."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.environment import BASE_DIR
from devtools.migration_lint import history
from tests.support.programs import environment
from tests.support.short_form import SHORT
from tests.topologies.hosts.fleet import KEY
from tests.topologies.hosts.releases import STEPS, releases

pytestmark = pytest.mark.embedded
NOW = [*history.own_migrations()]


def lint(tree: Path, folder: Path, released: list[str]) -> "subprocess.CompletedProcess[str]":
    """Run the linter of this project on the code in a folder, after a release with these migrations."""
    (names := folder / "released").write_text("\n".join(released))
    values = environment(folder / "data", DEBUG="0", SECRET_KEY=KEY, PYTHONPATH=f"{tree}{os.pathsep}{BASE_DIR}")
    command = [sys.executable, "-m", "devtools.migration_lint", str(names)]
    return subprocess.run(command, cwd=tree, env=values, capture_output=True, text=True, timeout=60, check=False)


def test_step_by_step(tmp_path):
    trees = releases(tmp_path / "releases")
    names = [*NOW, *(f"users.{name}" for name in STEPS)]
    for number, tree in [*enumerate(trees)][-1 if SHORT else 0 :]:
        accepted = lint(tree, tmp_path, names[: len(NOW) + max(number - 1, 0)])
        assert (accepted.returncode, accepted.stderr) == (0, ""), tree.name
    skipped = lint(trees[-1], tmp_path, names[: len(NOW) + 2])
    assert skipped.returncode == 1
    assert "The last release uses users_user.bio" in skipped.stderr
