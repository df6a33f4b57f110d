"""A Django project that has nothing of Hotpath but the distribution of caching/, or a copy of that folder."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import caching

FOLDER = Path(caching.__file__).parent
GOODS = Path(__file__).parent / "goods"
README = (FOLDER / "README.md").read_text()
TIMEOUT_S = 120


def ten_lines() -> list[list[str]]:
    """Return the lines of the README for the settings, and those for the models."""
    chapter = README.split("## Adopt it in ten lines")[1].split("\n## ")[0]
    return [block.strip().splitlines() for block in re.findall(r"```python\n(.*?)```", chapter, re.DOTALL)]


def run(*command: object, **options: object) -> str:
    """Return what a program writes; it must succeed, with no warning."""
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, timeout=TIMEOUT_S, **options
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The distribution, as `make wheel` builds it."""
    folder = tmp_path_factory.mktemp("dist")
    run("make", "wheel", f"DIST={folder}", cwd=FOLDER.parent)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def adopter(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a virtual environment with the distribution, and what pip installs for it, alone."""
    folder = tmp_path_factory.mktemp("venv")
    python = folder / "bin/python"
    run(sys.executable, "-m", "venv", folder)
    run(python, "-m", "pip", "--disable-pip-version-check", "install", "-q", wheel)
    return python


class Project:
    """A project as `startproject` and `startapp` leave it, and the lines of the README."""

    def __init__(self, python: Path, folder: Path, *, package: str = "caching") -> None:
        self.folder, self._python = folder, python
        redis_url = re.sub(r"/\d+$", "/1", os.environ["REDIS_URL"])
        self._environment = {"PATH": os.environ["PATH"], "PYTHONWARNINGS": "error"}
        self._run("-m", "django", "startproject", "shop", ".")
        self.manage("startapp", "goods")
        settings, models = ten_lines()
        self.append("shop/settings.py", 'INSTALLED_APPS += ["goods"]', *settings)
        self._replace("shop/settings.py", "redis://127.0.0.1:6379/0", redis_url)
        fields = (GOODS / "rest_of_models.txt").read_text()
        self.append("goods/models.py", *models, fields)
        shutil.copy(GOODS / "tests.py", folder / "goods/tests.py")
        for file in ("shop/settings.py", "goods/models.py", "goods/tests.py"):
            self._replace(file, '"caching"', f'"{package}"')
            self._replace(file, "from caching.", f"from {package}.")

    def manage(self, *command: str) -> str:
        """Return what manage.py writes; it must succeed, with no warning."""
        return self._run("manage.py", *command)

    def _run(self, *command: str) -> str:
        return run(self._python, *command, cwd=self.folder, env=self._environment)

    def append(self, file: str, *lines: str) -> None:
        """Append lines to a file of the project."""
        path = self.folder / file
        path.write_text("\n".join([path.read_text(), *lines, ""]))

    def _replace(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        path.write_text(path.read_text().replace(old, new))
