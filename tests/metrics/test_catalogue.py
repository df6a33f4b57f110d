"""The catalogue in the documents has every metric that the code knows, and no other."""

import re

import pytest

from config.environment import BASE_DIR
from metrics.families import FAMILIES

ROW = re.compile(r"^\| `(\w+)` \| (\w+) \| ([\w, ]*) \| (.*) \|$", re.MULTILINE)


def test_the_catalogue_is_complete():
    page = (BASE_DIR / "docs/operations/metrics.md").read_text()
    written = [
        (name, kind, tuple(labels.split(", ")) if labels else (), meaning)
        for name, kind, labels, meaning in ROW.findall(page)
    ]
    assert written == [family[:4] for family in FAMILIES]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_names_follow_the_conventions_of_prometheus(family):
    assert re.fullmatch("hotpath_[a-z_]+", family.name)
    assert family.name.endswith("_total") == (family.kind == "counter")
    if family.kind == "histogram":
        assert family.name.endswith("_seconds")
