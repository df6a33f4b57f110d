"""The panel of django-debug-toolbar, on pages of a project that has nothing of Hotpath but the folder of the cache."""

import re
import shutil
import sys

import pytest

from tests.adoption.conftest import GOODS, Project, blocks

pytestmark = pytest.mark.embedded

SETTINGS = (
    'INSTALLED_APPS += ["debug_toolbar"]',
    'MIDDLEWARE.insert(0, "debug_toolbar.middleware.DebugToolbarMiddleware")',
    'INTERNAL_IPS, ALLOWED_HOSTS, ROOT_URLCONF = ["127.0.0.1"], ["*"], "goods.pages"',
    'CACHING["PROOF_MS"] = 3_600_000',  # a proof that rides in a round trip would be one command more
)


def test_what_the_panel_says_of_pages(started, tmp_path):
    shop = Project(sys.executable, started, tmp_path)
    shop.copy_caching()
    shutil.copy(GOODS / "pages.py", tmp_path / "goods/pages.py")
    (lines,) = blocks("Debug toolbar")
    shop.append("shop/settings.py", *SETTINGS, *lines.splitlines())
    told = shop.run((GOODS / "toolbar.py").read_text())
    said = dict(re.findall(r"^(\w+): (.*)$", told, re.MULTILINE))
    counts = r"Model hits misses waits refused bypasses goods\.product {} {} 0 0 0 {} round trips?, {} commands?, "
    key = r"shop:[^ ]+:goods\.product:1"
    assert re.match(r"\d round trips in [\d.]+ ms \| By model " + counts.format(0, 1, 3, 3), said["cold"]), told
    assert re.search(r"ms thread MGET \S+ .*ms thread lease \S+ .*ms thread fill ", said["cold"]), told
    assert re.match(r"1 round trip in [\d.]+ ms \| By model " + counts.format(1, 0, 1, 1), said["warm"]), told
    assert re.search(r"ms thread MGET " + key, said["warm"]), told
    # The first round trip of an event loop asks Redis to tell of changes.
    assert re.match(r"2 round trips in [\d.]+ ms \| By model " + counts.format(1, 0, 2, 3), said["async"]), told
    assert re.search(r"ms event loop MGET " + key, said["async"]), told
    assert "0 round trips in 0.00 ms | By model" in said["nothing"]
    assert "Nothing was read through the cache" in said["nothing"]
