"""A new project adopts the cache by the steps of caching/README.md: from the distribution, or from a copied folder."""

import re
import sys
import zipfile

import pytest

from tests.adoption.conftest import FOLDER, GOODS, README, Project, ten_lines

pytestmark = pytest.mark.embedded

COMMANDS = """
call_command("drain_invalidations", once=True)
call_command("warm_cache", verbosity=0)
call_command("invalidate_cache", all=True, dry_run=True, verbosity=0)
import sys, caching
print(caching.__file__, "config" in sys.modules)
"""
OTHER_PATH = """
import sys
assert "caching" not in sys.modules
call_command("drain_invalidations", once=True)
"""


def test_the_readme_s_lines_are_ten():
    settings, models = ten_lines()
    assert len(settings) + len(models) == 10


def test_from_the_distribution_to_a_cached_hit(adopter, started, tmp_path):
    shop = Project(adopter, started, tmp_path)
    shop.manage("makemigrations", "goods")
    assert "Applying caching.0001_initial... OK" in shop.manage("migrate")
    assert "no issues (0 silenced)" in shop.manage("check")
    said = shop.run((GOODS / "first_hit.py").read_text() + COMMANDS).splitlines()
    assert "a cached hit took 0 queries" in said
    assert "0 invalidations applied." in said
    assert "goods.Product: 25 entries filled, 1 were there already." in said
    assert "goods.product: 27 entries would be deleted." in said
    installed = next(adopter.parent.parent.glob("lib/*/site-packages/caching/__init__.py"))
    assert f"{installed} False" in said
    assert "Ran 4 tests" in shop.manage("test", "goods")


def test_the_folder_works_under_another_path(started, tmp_path):
    shop = Project(sys.executable, started, tmp_path, package="shop.vendor.caching")
    shop.copy_caching("shop/vendor/caching")
    said = shop.run((GOODS / "first_hit.py").read_text() + OTHER_PATH)
    assert "a cached hit took 0 queries" in said
    assert "0 invalidations applied." in said
    assert "Ran 4 tests" in shop.manage("test", "goods")


def test_the_distribution_has_what_it_needs_and_says_which_version_it_is(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    files = (path for path in FOLDER.rglob("*") if path.is_file() and path.suffix != ".pyc")
    assert {str(path.relative_to(FOLDER.parent)) for path in files} <= set(names)
    assert [name for name in names if not name.startswith(("caching/", "hotpath_caching-"))] == []
    (metadata,) = [name for name in names if name.endswith("METADATA")]
    version = re.search(r"^Version: (.*)$", zipfile.ZipFile(wheel).read(metadata).decode(), re.MULTILINE)[1]
    assert re.search(r"^## \[(.*?)\]", (FOLDER / "CHANGELOG.md").read_text(), re.MULTILINE)[1] == version
    assert f"hotpath_caching-{version}-py3-none-any.whl" in README
    assert any(name.endswith("licenses/LICENSE") for name in names)
