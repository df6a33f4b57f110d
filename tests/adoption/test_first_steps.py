"""The first steps of README.md in a copy of the project, word by word."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from config.environment import BASE_DIR
from tests.support.programs import SERVE, environment

pytestmark = [pytest.mark.embedded, pytest.mark.usefixtures("without_demo_data")]

README = (BASE_DIR / "README.md").read_text()
ROOM = "venues"
LEFT_OUT = (".git", ".venv", "data", "build", "node_modules", "tests", "docs", "__pycache__", ".*_cache")
LOG_IN = ('"admin"', '"somebody"'), ("hotpath-demo", "a-long-enough-phrase")


def steps() -> dict[int, str]:
    """Return the text of each step by its number."""
    chapter = re.split(r"^## ", README.split("## First steps", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    parts = re.split(r"^\*\*(\d)\. ", chapter, flags=re.MULTILINE)
    return {int(number): text for number, text in zip(parts[1::2], parts[2::2], strict=True)}


def blocks(step: int, language: str) -> list[str]:
    """Return the blocks of a step: files in Python, or commands, which have no language."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", steps()[step], re.DOTALL | re.MULTILINE)
    return [text for its_language, text in found if its_language == language]


class Newcomer:
    """Who does what README.md says, in a copy of the project and on data of their own."""

    def __init__(self, folder: Path, data: Path) -> None:
        self.folder, self.data = folder, data
        shutil.copytree(BASE_DIR, folder, ignore=shutil.ignore_patterns(*LEFT_OUT))
        (folder / ROOM / "migrations").mkdir(parents=True)
        for package in (ROOM, f"{ROOM}/migrations"):
            (folder / package / "__init__.py").touch()

    def write_files(self, step: int) -> None:
        for text in blocks(step, "python"):
            first_line, _ = text.split("\n", 1)
            (self.folder / first_line.removeprefix("# ")).write_text(text)

    def replace(self, name: str, pattern: str, new: str) -> None:
        text, count = re.subn(pattern, new, (self.folder / name).read_text(), count=1, flags=re.MULTILINE)
        assert count, pattern
        (self.folder / name).write_text(text)

    def run(self, step: int, block: int, port: int = 0) -> str:
        """Return what a block of commands prints."""
        script = blocks(step, "")[block]
        script = script.replace("localhost:8000", f"localhost:{port}").replace(".venv/bin/python", sys.executable)
        for name, here in LOG_IN:
            script = script.replace(name, here)
        script = re.sub("^make run$", "", script, flags=re.MULTILINE)
        env = environment(self.data, DJANGO_SETTINGS_MODULE="config.settings")
        done = subprocess.run(
            ["bash", "-e"], input=script, cwd=self.folder, env=env, capture_output=True, text=True, timeout=120
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def newcomer(tmp_path):
    return Newcomer(tmp_path / "copy", tmp_path / "data")


def test_from_a_cached_model_to_a_read_on_the_hot_lane(newcomer, program):
    newcomer.write_files(2)
    newcomer.replace("config/settings.py", r'^    "users",$', f'    "users",\n    "{ROOM}",')
    newcomer.write_files(3)
    newcomer.write_files(4)
    newcomer.replace("config/urls.py", r"^import users\.urls$", "import users.urls\nimport venues.urls")
    newcomer.replace("config/urls.py", r"^ROOMS = \((.*)\)$", r"ROOMS = (\1, venues.urls)")
    newcomer.replace("config/asgi.py", r"^import users\.fast_routes$", r"\g<0>\nimport venues.fast_routes")
    newcomer.replace("config/asgi.py", r"^ROOMS = \($", "ROOMS = (\n    venues.fast_routes,")
    assert "Create model Venue" in newcomer.run(2, 0)
    web = program(SERVE, folder=newcomer.folder).wait_until_up()
    assert newcomer.run(2, 1) == "Harbour\n"
    assert newcomer.run(3, 0).endswith("\n1\n")
    printed = newcomer.run(4, 0, web.port)
    assert printed.count('{"id":1,"name":"Harbour","visits":1}') == 6
    assert re.search(r'venues/\{id\}",status="200",way="lane"\} \d', printed), printed
