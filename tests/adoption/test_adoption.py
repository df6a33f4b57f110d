"""A Django project of its own that adopts the cache framework by the steps of caching/README.md."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import caching

PROJECT = Path(__file__).parent / "project"
FRAMEWORK = Path(caching.__file__).parent


def ten_lines():
    chapter = (FRAMEWORK / "README.md").read_text().split("## Adopt it in ten lines")[1].split("\n## ")[0]
    return [block.strip().splitlines() for block in re.findall(r"```python\n(.*?)```", chapter, re.DOTALL)]


@pytest.fixture
def manage(tmp_path):
    """Run the shop's manage.py in a folder that contains, of this project, the framework alone."""
    shutil.copytree(PROJECT, tmp_path, dirs_exist_ok=True)
    shutil.copytree(FRAMEWORK, tmp_path / "caching", ignore=shutil.ignore_patterns("__pycache__"))
    redis_url = re.sub(r"/\d+$", "/1", os.environ["REDIS_URL"])
    environment = {"PATH": os.environ["PATH"], "REDIS_URL": redis_url, "PYTHONWARNINGS": "error"}

    def run(*command):
        done = subprocess.run(
            [sys.executable, "manage.py", *command], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def test_the_readme_s_lines_are_ten_and_the_project_has_them():
    settings, models = ten_lines()
    assert len(settings) + len(models) == 10
    for lines, file in ((settings, "shop/settings.py"), (models, "goods/models.py")):
        there = [re.sub(r"\s+# noqa.*", "", line) for line in (PROJECT / file).read_text().splitlines()]
        assert [line for line in lines if line not in there] == []


@pytest.mark.embedded
def test_the_project_runs(manage):
    manage("makemigrations", "goods")
    assert "Applying caching.0001_initial... OK" in manage("migrate")
    manage("check")
    assert "No changes detected" in manage("makemigrations", "--check", "--dry-run")
    make = "from goods.models import Product; Product.objects.bulk_create(Product(sku=str(n)) for n in range(25))"
    manage("shell", "-c", make)
    assert "goods.Product: 25 entries filled, 0 were there already." in manage("warm_cache", "--workers", "2")
    assert "goods.Product: 0 entries filled, 25 were there already." in manage("warm_cache")
    assert "0 invalidations applied." in manage("drain_invalidations", "--once")
    where = manage("shell", "-c", "import caching, sys; print(caching.__file__, 'config' in sys.modules)")
    assert str(FRAMEWORK) not in where
    assert "False" in where


@pytest.mark.embedded
def test_the_project_s_own_tests_pass(manage):
    manage("makemigrations", "goods")
    assert "Ran 3 tests" in manage("test", "goods")
