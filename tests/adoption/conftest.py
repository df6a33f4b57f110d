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


def blocks(chapter: str) -> list[str]:
    """Return the examples of a chapter of the README."""
    text = re.split(r"\n##+ ", README.split(f"# {chapter}\n")[1])[0]
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def ten_lines() -> list[list[str]]:
    """Return the lines of the README for the settings, and those for the models."""
    return [block.strip().splitlines() for block in blocks("Adopt it in ten lines")]


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
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    pip = sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python
    run(*pip, "install", "-q", "--no-compile", wheel)
    return python


MIGRATED = """
from django.core.management import call_command
call_command("makemigrations", "goods", verbosity=0)
call_command("migrate", verbosity=0)
call_command("makemigrations", check_changes=True, dry_run=True, verbosity=0)
"""


@pytest.fixture(scope="session")
def started(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `startproject` and `startapp` leave."""
    folder = tmp_path_factory.mktemp("started")
    run(sys.executable, "-m", "django", "startproject", "shop", ".", cwd=folder)
    run(sys.executable, "manage.py", "startapp", "goods", cwd=folder)
    return folder


class Project:
    """A project as it is started, with the lines of the README."""

    def __init__(self, python: Path | str, started: Path, folder: Path, *, package: str = "caching") -> None:
        self.folder, self._python = folder, python
        self._environment = {"PATH": os.environ["PATH"], "PYTHONWARNINGS": "error"}
        shutil.copytree(started, folder, dirs_exist_ok=True)
        settings, models = ten_lines()
        self.append("shop/settings.py", 'INSTALLED_APPS += ["goods"]', *settings)
        redis_url = re.sub(r"/\d+$", "/1", os.environ["REDIS_URL"])
        self._replace("shop/settings.py", "redis://127.0.0.1:6379/0", redis_url)
        self.append("goods/models.py", *models, (GOODS / "rest_of_models.txt").read_text())
        shutil.copy(GOODS / "tests.py", folder / "goods/tests.py")
        self.append("goods/tests.py", blocks("Tests of an application")[1])
        for file in ("shop/settings.py", "goods/models.py", "goods/tests.py"):
            self._replace(file, '"caching"', f'"{package}"')
            self._replace(file, "from caching.", f"from {package}.")

    def copy_caching(self, path: str = "caching") -> None:
        """Copy the folder of the cache into the project."""
        shutil.copytree(FOLDER, self.folder / path, ignore=shutil.ignore_patterns("__pycache__"))

    def manage(self, *command: str) -> str:
        """Return what manage.py writes; it must succeed, with no warning."""
        return run(self._python, "manage.py", *command, cwd=self.folder, env=self._environment)

    def run(self, script: str) -> str:
        """Return what a script writes once the tables are made, in the project's shell."""
        return self.manage("shell", "-v", "0", "-c", MIGRATED + script)

    def append(self, file: str, *lines: str) -> None:
        """Append lines to a file of the project."""
        path = self.folder / file
        path.write_text("\n".join([path.read_text(), *lines, ""]))

    def _replace(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        path.write_text(path.read_text().replace(old, new))
