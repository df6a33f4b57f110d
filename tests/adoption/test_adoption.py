"""A new project adopts the cache by the steps of caching/README.md: from the distribution, or from a copied folder."""

import re
import shutil
import sys
import zipfile

import pytest

from tests.adoption.conftest import FOLDER, GOODS, README, Project, ten_lines

pytestmark = pytest.mark.embedded


def test_the_readme_s_lines_are_ten():
    settings, models = ten_lines()
    assert len(settings) + len(models) == 10


def test_from_the_distribution_to_a_cached_hit(adopter, tmp_path):
    shop = Project(adopter, tmp_path)
    where = shop.manage(
        "shell", "-v", "0", "-c", "import caching, sys; print(caching.__file__, 'config' in sys.modules)"
    )
    assert where.split()[-2:] == [
        str(next(adopter.parent.parent.glob("lib/*/site-packages/caching/__init__.py"))),
        "False",
    ]
    shop.manage("makemigrations", "goods")
    assert "Applying caching.0001_initial... OK" in shop.manage("migrate")
    assert "no issues (0 silenced)" in shop.manage("check")
    assert "No changes detected" in shop.manage("makemigrations", "--check", "--dry-run")
    script = (GOODS / "first_hit.py").read_text()
    assert "a cached hit took 0 queries" in shop.manage("shell", "-v", "0", "-c", script)
    assert "goods.Product: 25 entries filled, 1 were there already." in shop.manage("warm_cache", "--workers", "2")
    assert "goods.product: 27 entries would be deleted." in shop.manage("invalidate_cache", "--all", "--dry-run")
    assert "0 invalidations applied." in shop.manage("drain_invalidations", "--once")
    assert "Ran 3 tests" in shop.manage("test", "goods")


def test_the_folder_works_under_another_path(tmp_path):
    shop = Project(sys.executable, tmp_path, package="shop.vendor.caching")
    shutil.copytree(FOLDER, tmp_path / "shop/vendor/caching", ignore=shutil.ignore_patterns("__pycache__"))
    shop.manage("makemigrations", "goods")
    shop.manage("migrate", "-v", "0")
    assert "no issues (0 silenced)" in shop.manage("check")
    script = (GOODS / "first_hit.py").read_text() + "import sys; assert 'caching' not in sys.modules"
    assert "a cached hit took 0 queries" in shop.manage("shell", "-v", "0", "-c", script)
    assert "0 invalidations applied." in shop.manage("drain_invalidations", "--once")
    assert "Ran 3 tests" in shop.manage("test", "goods")


def test_the_distribution_has_what_it_needs_and_says_which_version_it_is(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    there = {
        str(path.relative_to(FOLDER.parent)) for path in FOLDER.rglob("*") if path.is_file() and path.suffix != ".pyc"
    }
    assert there <= set(names)
    assert [name for name in names if not name.startswith(("caching/", "hotpath_caching-"))] == []
    (metadata,) = [name for name in names if name.endswith("METADATA")]
    version = re.search(r"^Version: (.*)$", zipfile.ZipFile(wheel).read(metadata).decode(), re.MULTILINE)[1]
    assert re.search(r"^## \[(.*?)\]", (FOLDER / "CHANGELOG.md").read_text(), re.MULTILINE)[1] == version
    assert f"hotpath_caching-{version}-py3-none-any.whl" in README
    assert any(name.endswith("licenses/LICENSE") for name in names)
