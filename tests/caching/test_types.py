"""The verbs are typed: mypy --strict knows what they give, with Django's stubs and their plugin, and without."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import caching

pytestmark = pytest.mark.embedded

PROJECT = Path(__file__).parent / "typed"
ROOT = Path(caching.__file__).parent.parent
STRICT = "[mypy]\nstrict = True\nignore_missing_imports = True\nfollow_imports = silent\n"
PLUGIN = 'plugins = mypy_django_plugin.main\n[mypy.plugins.django-stubs]\ndjango_settings_module = "settings"\n'


def mypy(tmp_path, config, *arguments):
    (tmp_path / "mypy.ini").write_text(config)
    paths = f"{ROOT}:{PROJECT}"
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", tmp_path / "mypy.ini", "--cache-dir", tmp_path, *arguments],
        env={"PATH": os.environ["PATH"], "MYPYPATH": paths, "PYTHONPATH": paths},
        cwd=PROJECT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return done.stdout + done.stderr


def test_without_stubs(tmp_path):
    assert mypy(tmp_path, STRICT, "--no-site-packages", "warehouse/use.py").startswith("Success")


def test_with_stubs_and_their_plugin(tmp_path):
    told = mypy(tmp_path, STRICT + PLUGIN, "warehouse/use.py", "warehouse/misuse.py")
    lines = enumerate((PROJECT / "warehouse/misuse.py").read_text().splitlines(), start=1)
    expected = [(number, line.rpartition("# ")[2]) for number, line in lines if "  # " in line]
    found = re.findall(r"misuse\.py:(\d+): error: .*\[(.+)\]", told)
    assert [(int(number), code) for number, code in found] == expected, told
    assert "use.py" not in told.replace("misuse.py", "")


def test_the_package_says_that_it_is_typed():
    assert (ROOT / "caching/py.typed").exists()
